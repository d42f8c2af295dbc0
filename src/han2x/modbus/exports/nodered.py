"""Node-RED: a flow for node-red-contrib-modbus that reads blocks and splits them into named values.

Each block has a `modbus-read` of its own, a function node that makes of its registers one object with a
property for each value in its base unit, null where it is unknown, and a debug node.
"""

import json

from ..listing import Row
from ..units import unit
from .choice import blocks, in_order, is_text, kind, scaled, span
from .target import Target

KINDS = frozenset(
    f"{type_}{order}"
    for type_ in ("int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "acc32", "text")
    for order in ("", "_swap")
)

SPLIT = """\
// name, first register, registers, type, low word first, divisor, "unknown", register of the exponent or -1
const POINTS = [
%s
];
const READ = {
  int16: b => b.readInt16BE(0), uint16: b => b.readUInt16BE(0),
  int32: b => b.readInt32BE(0), uint32: b => b.readUInt32BE(0), acc32: b => b.readUInt32BE(0),
  int64: b => Number(b.readBigInt64BE(0)), uint64: b => Number(b.readBigUInt64BE(0)),
  float32: b => b.readFloatBE(0), text: b => b.toString("latin1").replace(/\\0+$/, ""),
};
const octets = (first, count, lowFirst) => {
  const words = msg.payload.slice(first, first + count);
  if (lowFirst) words.reverse();
  return Buffer.from(words.flatMap(word => [word >> 8, word & 255]));
};
const values = {};
for (const [name, first, count, type, lowFirst, divisor, unknown, exponent] of POINTS) {
  const part = octets(first, count, lowFirst);
  const value = part.toString("hex") === unknown ? null : READ[type](part);
  const power = exponent < 0 ? 1 : 10 ** octets(exponent, 1, false).readInt16BE(0);
  const digits = type === "float32" ? 7 : 15;
  values[name] = typeof value === "number" ? Number((value * power / divisor).toPrecision(digits)) : value;
}
msg.payload = values;
return msg;
"""


def render(table: list[Row], target: Target) -> str:
    """The flow, for Node-RED's Import."""
    tab = f"{target.name}_tab"
    nodes: list[dict[str, object]] = [
        {"id": tab, "type": "tab", "label": target.name, "info": target.title},
        _client(target),
    ]
    for index, block in enumerate(blocks(table, _with_exponents(table))):
        nodes += _block_nodes(block, index, target, tab)
    return json.dumps(nodes, indent=1, ensure_ascii=False) + "\n"


def _with_exponents(table: list[Row]) -> list[Row]:
    """What people want, and the registers with the exponents of some of it."""
    chosen = scaled(table, KINDS)
    names = {row.name for row in chosen} | {row.scale_factor for row in chosen}
    return [row for row in table if row.name in names]


def _client(target: Target) -> dict[str, object]:
    return {
        "id": f"{target.name}_client",
        "type": "modbus-client",
        "name": target.name,
        "clienttype": "tcp",
        "bufferCommands": True,
        "stateLogEnabled": False,
        "queueLogEnabled": False,
        "failureLogEnabled": True,
        "tcpHost": target.host,
        "tcpPort": str(target.port),
        "tcpType": "DEFAULT",
        "serialPort": "",
        "serialType": "RTU-BUFFERD",
        "serialBaudrate": "9600",
        "serialDatabits": "8",
        "serialStopbits": "1",
        "serialParity": "none",
        "serialConnectionDelay": "100",
        "serialAsciiResponseStartDelimiter": "0x3A",
        "unit_id": str(target.unit),
        "commandDelay": "1",
        "clientTimeout": "1000",
        "reconnectOnTimeout": True,
        "reconnectTimeout": "2000",
        "parallelUnitIdsAllowed": True,
    }


def _block_nodes(block: list[Row], index: int, target: Target, tab: str) -> list[dict[str, object]]:
    read, split, debug = (f"{target.name}_{what}{index}" for what in ("read", "split", "debug"))
    last = block[-1].address + block[-1].words - 1
    height = 80 + 80 * index
    return [
        {
            "id": read,
            "type": "modbus-read",
            "z": tab,
            "name": f"{block[0].address} to {last}",
            "topic": target.name,
            "showStatusActivities": True,
            "logIOActivities": False,
            "showErrors": True,
            "showWarnings": True,
            "unitid": str(target.unit),
            "dataType": "HoldingRegister",
            "adr": str(block[0].address),
            "quantity": str(span(block)),
            "rate": "5",
            "rateUnit": "s",
            "delayOnStart": False,
            "startDelayTime": "",
            "server": f"{target.name}_client",
            "useIOFile": False,
            "ioFile": "",
            "useIOForPayload": False,
            "emptyMsgOnFail": False,
            "x": 140,
            "y": height,
            "wires": [[split], []],
        },
        {
            "id": split,
            "type": "function",
            "z": tab,
            "name": "by name",
            "func": SPLIT % _points(block),
            "outputs": 1,
            "x": 340,
            "y": height,
            "wires": [[debug]],
        },
        {
            "id": debug,
            "type": "debug",
            "z": tab,
            "name": target.name,
            "active": True,
            "tosidebar": True,
            "console": False,
            "tostatus": False,
            "complete": "payload",
            "targetType": "msg",
            "x": 540,
            "y": height,
            "wires": [],
        },
    ]


def _points(block: list[Row]) -> str:
    """The rows of a block, but exponents, as the function's table."""
    exponents = {row.scale_factor for row in block}
    at = {row.name: row.address - block[0].address for row in block}
    return ",\n".join(
        f"  {json.dumps(_point(row, at), ensure_ascii=False)}" for row in block if row.name not in exponents
    )


def _point(row: Row, at: dict[str, int]) -> list[object]:
    return [
        row.name,
        at[row.name],
        row.words,
        "text" if is_text(row) else row.type,
        kind(row).endswith("_swap"),
        unit(row.unit).per,
        in_order(row, row.unknown).hex() if len(row.unknown) >= 4 else "",
        at.get(row.scale_factor, -1),
    ]
