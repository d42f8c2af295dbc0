"""What goes out: Modbus servers and registers, MQTT brokers."""

from starlette.responses import Response

from ..runtime.gateway import Gateway
from ..runtime.health import Condition
from ..runtime.providers import Registers
from ..settings.broker import Mqtt
from . import shapes
from .endpoint import TEXT, Call, Refusal
from .events import servers
from .streaming import attachment
from .times import iso

PAYLOAD_MAX = 4096


def _registers(call: Call) -> Registers:
    if call.gateway.providers.registers is None:
        raise Refusal(404, "no_modbus", "No Modbus server runs.")
    return call.gateway.providers.registers


async def modbus(call: Call) -> shapes.ModbusShape:
    """The Modbus servers, their clients, and what their unit ids show."""
    gateway, registers = call.gateway, call.gateway.providers.registers
    return {
        "servers": servers(gateway),
        "units": [
            one._asdict()  # type: ignore[misc]
            for one in (registers.units() if registers else ())
        ],
        "lists": list(registers.formats()) if registers else [],
    }


async def registers(call: Call) -> list[shapes.RegisterShape]:
    """The registers of a unit id as they read now."""
    text = call.path["unit_id"]
    unit_id = int(text) if text.isascii() and text.isdecimal() and len(text) <= 3 else -1
    rows = _registers(call).rows(unit_id)
    if rows is None:
        raise Refusal(404, "no_unit", "Nothing answers at this unit id.")
    return [row._asdict() for row in rows]  # type: ignore[misc]


async def listing(call: Call) -> Response:
    """A register list for a tool."""
    host = call.request.headers.get("host", "").rpartition("@")[2]
    name = host.partition("]")[0] + "]" if host.startswith("[") else host.partition(":")[0]
    map_name, form = call.path["map"], call.path["tool"]
    text = _registers(call).listing(map_name, form, name or "127.0.0.1")
    if text is None:
        raise Refusal(404, "no_list", "There is no such list.")
    return Response(text, media_type=TEXT, headers=attachment(f"{map_name}-{form}.txt"))


async def mqtt(call: Call) -> shapes.Brokers:
    """The brokers, and what was last said at each."""
    gateway = call.gateway
    return {"brokers": [_broker(gateway, one) for one in gateway.settings.value.mqtt]}


def _broker(gateway: Gateway, entry: Mqtt) -> shapes.BrokerShape:
    health = gateway.health.value.get(entry.service)
    messages = gateway.providers.messages.get(entry.id)
    return {
        "id": entry.id,
        "name": entry.name,
        "enabled": entry.enabled,
        "condition": (health.condition if health else Condition.STARTING).value if entry.enabled else "off",
        "text": health.text if health else "",
        "topics": [
            {
                "topic": one.topic,
                "payload": one.payload[:PAYLOAD_MAX].decode("utf-8", "replace"),
                "at": iso(one.at_ms),
                "retained": one.retained,
            }
            for one in (messages.published() if messages else ())
        ],
        "discovery": {
            "form": entry.discovery,
            "announced": list(messages.announced()) if messages else [],
        },
    }


async def say_again(call: Call) -> None:
    """Publish everything again, at the broker of this id or else of this name."""
    brokers, wanted = call.gateway.settings.value.mqtt, call.path["name"]
    known = {one.name: one.id for one in brokers} | {one.id: one.id for one in brokers}
    messages = call.gateway.providers.messages.get(known.get(wanted, ""))
    if messages is None:
        raise Refusal(404, "no_broker", "There is no connection to a broker of this id or name.")
    messages.again()
