"""The box and its network: what they are like, and the say over a network setting that is on trial."""

from ..runtime.audit import Kind
from . import shapes
from .endpoint import Call, Refusal


async def box(call: Call) -> shapes.BoxShape:
    """Lamps, button, input and temperature; null for what the machine has not."""
    found = call.gateway.box.value
    return {
        "digital_input": found.digital_input,
        "temperature": None if found.temperature is None else found.temperature / 100,
        "power_lamp": found.power_lamp.value if found.power_lamp else None,
        "han_lamp": found.han_lamp.value if found.han_lamp else None,
        "button": found.button,
    }


async def network(call: Call) -> shapes.NetworkShape:
    """The machine's network as it really is; `rest_s`: until an unconfirmed setting is taken back."""
    found = call.gateway.network.value
    ends = found.trial_ends
    return {
        "managed": found.managed,
        "interface": found.interface,
        "method": found.method,
        "addresses": list(found.addresses),
        "gateway": found.gateway,
        "dns": list(found.dns),
        "host_name": found.host_name,
        "fallback": found.fallback,
        "rest_s": max(0, ends.mono_ms - call.now.mono_ms) // 1000 if ends else None,
    }


async def confirm(call: Call) -> None:
    """Keep the network setting that is on trial; only from the other end of an address it has now."""
    server = call.request.scope.get("server")
    at = str(server[0]).removeprefix("::ffff:") if server else ""
    if not call.gateway.confirm_network(at):
        text = "A network setting is confirmed at an address that it has: open the page there."
        raise Refusal(409, "not_from_there", text)


async def undo(call: Call) -> None:
    """Take the network setting back that is on trial."""
    call.gateway.undo_network(call.caller.who(Kind.UNDO))
