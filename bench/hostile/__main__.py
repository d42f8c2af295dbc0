"""All that means harm, in one process: `python -m bench.hostile TARGET.json DONE.json`.

TARGET.json holds the fields of `clients.Target`; `brokers`: rows of port, whether it speaks websockets, and
certificate and key, "" for none; `only`: names of clients' attacks, none for all. DONE.json is written each
second: how often each attack was carried out.
"""

import asyncio
import json
import logging
import ssl
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from .broker import HostileBroker
from .clients import Target, attack
from .source import HostileSource


async def main(wanted: dict[str, Any], told: Path) -> None:
    """Attack until killed."""
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)  # peers that hang up are what is wanted
    done: Counter[str] = Counter()
    only = wanted.pop("only")
    for port, websocket, certificate in wanted.pop("brokers"):
        context = None
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
        await HostileBroker(websocket=websocket, context=context, done=done).open(port)
    target = Target(**wanted)
    await HostileSource(done=done).open(target.source)
    attacking = asyncio.create_task(attack(target, done, only))
    while not attacking.done():
        told.write_text(json.dumps(done))
        await asyncio.sleep(1)
    attacking.result()


if __name__ == "__main__":
    asyncio.run(main(json.loads(Path(sys.argv[1]).read_text()), Path(sys.argv[2])))
