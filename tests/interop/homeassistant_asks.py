"""Run by Home Assistant's own Python: asks its websocket API, and prints the answers.

Arguments: the port and an access token. Standard input: a JSON list of commands; output: a list of results.
"""

import asyncio
import importlib
import json
import sys
from typing import Any


async def main(port: str, token: str, commands: list[dict[str, Any]]) -> list[Any]:
    """The result of each command in turn; a refusal is an error."""
    aiohttp = importlib.import_module("aiohttp")
    results = []
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"ws://127.0.0.1:{port}/api/websocket", max_msg_size=0) as socket,
    ):
        await socket.receive_json()
        await socket.send_json({"type": "auth", "access_token": token})
        assert (await socket.receive_json())["type"] == "auth_ok"
        for number, command in enumerate(commands, 1):
            await socket.send_json({"id": number, **command})
            answer = await socket.receive_json()
            assert answer["success"], answer
            results.append(answer["result"])
    return results


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main(sys.argv[1], sys.argv[2], json.load(sys.stdin)))))
