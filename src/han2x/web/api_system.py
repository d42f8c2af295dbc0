"""The program and its machine: what runs, what it says, and back to the first day."""

import asyncio
import os
import platform
from functools import partial
from pathlib import Path

from .. import __version__
from . import shapes
from .api_session import prove
from .endpoint import Call
from .events import health
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
        "services": health(gateway.health.value)["services"],
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


async def finish_wizard(call: Call) -> None:
    """The wizard is not shown again."""
    await call.state.keep(call.state.keys.finish_wizard)


async def reset(call: Call) -> None:
    """Everything as on the first day, soon after this is answered; history only if that is asked for."""
    web = call.gateway.settings.value.web
    await prove(call, web.user, call.body["password"])
    begin_anew = partial(call.gateway.factory_reset, history=bool(call.body.get("history")))
    asyncio.get_running_loop().call_later(ANSWER_S, begin_anew)
