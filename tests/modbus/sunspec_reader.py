"""pySunSpec2 as a judge: finds the models of a unit, and prints each model's points as JSON.

    python sunspec_reader.py PORT UNIT

A program of its own, because pySunSpec2 may be in another environment than the tests.
"""

import json
import sys

from sunspec2.modbus.client import SunSpecModbusClientDeviceTCP


def main(port: int, unit: int) -> None:
    """Scan and print; values are those with the scale factor applied, null where not implemented."""
    device = SunSpecModbusClientDeviceTCP(slave_id=unit, ipaddr="127.0.0.1", ipport=port, timeout=10)
    device.scan()
    models = {number: found for number, found in device.models.items() if isinstance(number, int)}
    print(json.dumps({number: found[0].get_dict(computed=True) for number, found in models.items()}))
    device.close()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
