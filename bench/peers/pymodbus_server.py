"""A Modbus TCP server with pymodbus, to measure against: 51 holding registers.

python pymodbus_server.py PORT
"""

import asyncio
import sys

from pymodbus.datastore import ModbusDeviceContext, ModbusSequentialDataBlock, ModbusServerContext
from pymodbus.server import StartAsyncTcpServer


async def main(port: int) -> None:
    """Serve until killed."""
    block = ModbusSequentialDataBlock(1, [0] * 51)  # type: ignore[no-untyped-call]
    context = ModbusServerContext(devices=ModbusDeviceContext(hr=block), single=True)
    await StartAsyncTcpServer(context, address=("127.0.0.1", port))


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
