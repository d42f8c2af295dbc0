"""The program and its machine: what runs, what it says, and back to the first day."""

import asyncio
import os
import platform
from functools import partial
from pathlib import Path

from .. import __version__
from ..runtime.factory_reset import erase
from ..runtime.gateway import Trouble
from . import shapes
from .api_session import prove
from .endpoint import Call, Refusal
from .events import health
from .state import not_stored
from .times import iso

ANSWER_S = 0.3
"""What the answer to a reset has to leave, before all connections end."""


async def show(call: Call) -> shapes.SystemShape:
    """What the program is, and how it fares."""
    gateway, state = call.gateway, call.state
    return {
        "version": __version__,
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
        "started": iso(gateway.started.unix_ms),
        "now": iso(call.now.unix_ms),
        "uptime_s": (call.now.mono_ms - gateway.started.mono_ms) // 1000,
        "memory_mb": memory_mb(),
        "settings_file": str(gateway.settings_file) if gateway.settings_file else None,
        "state_dir": str(gateway.state_dir) if gateway.state_dir else None,
        "demo": state.demo,
        "services": health(gateway)["services"],
        "pages": len(state.hub),
        "refused": state.refused + (state.limits.refused + state.limits.cut if state.limits else 0),
    }


def memory_mb() -> float:
    """Resident memory; 0 where nobody tells."""
    try:
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return 0.0
    return round(pages * os.sysconf("SC_PAGESIZE") / 1e6, 1)


async def log(call: Call) -> list[shapes.LogLine]:
    """The last log lines, the oldest first."""
    lines = call.gateway.logbook.lines(call.query["lines"])
    return [{"at": iso(line.at_ms), "level": line.level, "text": line.text} for line in lines]


async def audit(call: Call) -> list[shapes.AuditLine]:
    """Who changed which settings, the oldest first."""
    found = await asyncio.to_thread(call.gateway.audit.changes, call.query["lines"])
    return [
        {
            "at": iso(one.at_ms),
            "who": one.who.kind.value,
            "name": one.who.name,
            "settings": list(one.names),
            "more": one.more,
            "times": one.times,
        }
        for one in found
    ]


async def seen(call: Call) -> None:
    """A person has seen which stored files were damaged: health does not tell it any more."""
    try:
        call.gateway.damaged_seen()
    except OSError as error:
        raise not_stored(f"the damaged files cannot be renamed: {error.strerror or error}") from None


async def finish_wizard(call: Call) -> None:
    """The wizard is not shown again."""
    await call.state.keep(call.state.keys.finish_wizard)


async def reset(call: Call) -> None:
    """Everything as on the first day: erased when this is answered, begun anew right after it.

    History only if that is asked for.
    """
    web = call.gateway.settings.value.web
    await prove(call, web.user, call.body["password"])
    gateway, history = call.gateway, bool(call.body.get("history"))
    try:
        await asyncio.to_thread(
            erase, gateway.settings.value, gateway.settings_file, gateway.state_dir, history=history
        )
    except Trouble as trouble:
        raise Refusal(
            507, "not_erased", f"{trouble}. All else is erased, and everything begins anew."
        ) from None
    finally:
        asyncio.get_running_loop().call_later(
            ANSWER_S, partial(gateway.factory_reset, history=history, who=call.caller.who())
        )
