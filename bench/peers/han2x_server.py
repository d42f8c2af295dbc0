"""A han2x Modbus server with one fixed snapshot, for the benches and the tests.

    python han2x_server.py [--uvloop] [--tls DIRECTORY] [net=it] [setting=value …]

With --tls it is the Modbus Security server, whose certificates are in a state directory.

Prints the health text of the server once it listens ("listening on 127.0.0.1:1502") and the line
"failing: …" when it cannot. Port 0 takes any free port. The
snapshot is of the moment when the server starts; `net` is `1`, `it` or `tn`, which it is by default.
"""

import asyncio
import json
import logging
import sys
import time
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from han2x.modbus import tls
from han2x.modbus.tcp import run
from han2x.model.instant import Instant
from han2x.model.quantity import Quantity
from han2x.model.reading import Identity, ListType, MeterClock, Net, TimeBase
from han2x.model.state import Snapshot
from han2x.runtime.gateway import Gateway, Trouble
from han2x.settings.amend import Refused, amend
from han2x.settings.schema import Settings

SNAPSHOT = Snapshot(
    vendor="kaifa",
    identity=Identity("KFM_001", "6970631400000000", "MA304H3E"),
    values={
        Quantity.ACT_POW_POS: 123456,
        Quantity.CURR_L1: 5120,
        Quantity.VOLT_L1: 239_000,
        Quantity.VOLT_L2: 238_400,
        Quantity.VOLT_L3: 240_100,
        Quantity.ACT_ENERGY_POS: 12_345_678,
    },
    clock=MeterClock(datetime(2026, 11, 22, 17, 30, 10), True, TimeBase.STANDARD),
)


def now() -> Instant:
    """The clock."""
    return Instant(time.time_ns() // 1_000_000, time.monotonic_ns() // 1_000_000)


def settings(words: list[str]) -> Settings:
    """Settings from `name=value` words."""
    pairs = dict(word.split("=", 1) for word in words)
    pairs.pop("net", None)
    port = int(pairs.pop("modbus_tcp.port", "0"))
    result = amend(Settings(), {name: _value(text) for name, text in pairs.items()})
    if isinstance(result, Refused):
        sys.exit(str(result))
    tls = replace(result.modbus_tls, port=0)
    return replace(result, modbus_tcp=replace(result.modbus_tcp, port=port), modbus_tls=tls)


def _value(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return text


def snapshot(words: list[str]) -> Snapshot:
    """What the meter has just sent, on the net that `net=` names."""
    net = next((Net(word[4:]) for word in words if word.startswith("net=")), Net.TN)
    at = now()
    lists = dict.fromkeys((ListType.FAST, ListType.TEN_SECONDS, ListType.HOURLY), at)
    return replace(SNAPSHOT, net=net, list_at=lists, last=at, received=1)


async def serve(wanted: Settings, shown: Snapshot, state: Path | None) -> None:
    """Serve until killed; over TLS with the certificates in a state directory."""
    gateway = Gateway(wanted, clock=now, state_dir=state)
    gateway.snapshot(wanted.meters[0].name).set(shown)
    gateway.health.watch(lambda health: print(*(h.text for h in health.values()), flush=True))
    try:
        if state:
            await tls.run(wanted.modbus_tls, gateway, "modbus_tls")
        else:
            await run(wanted.modbus_tcp, gateway, "modbus_tcp")
    except Trouble as trouble:
        sys.exit(f"failing: {trouble}")


def main(words: list[str]) -> None:
    """Run on uvloop if asked to."""
    logging.basicConfig(level=logging.INFO, stream=sys.stderr)
    pairs = [word for word in words if word != "--uvloop"]
    state = Path(pairs.pop(pairs.index("--tls") + 1)) if "--tls" in pairs else None
    pairs = [word for word in pairs if word != "--tls"]
    serving = serve(settings(pairs), snapshot(pairs), state)
    if "--uvloop" in words:
        import uvloop

        uvloop.run(serving)
    else:
        asyncio.run(serving)


if __name__ == "__main__":
    main(sys.argv[1:])
