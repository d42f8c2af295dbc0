"""The program and its machine: what runs, what it says, and back to the first day."""

import asyncio
import os
import platform
from pathlib import Path

from .. import __version__
from ..runtime.gateway import Trouble
from ..settings.schema import Settings
from . import shapes
from .api_session import prove
from .endpoint import Call, Refusal
from .events import health
from .times import iso


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
        "refused": state.refused + (state.door.refused + state.door.cut if state.door else 0),
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
    call.state.keys.wizard_done = True
    call.state.keys.changed = True


async def reset(call: Call) -> None:
    """All settings as on the first day, log-ins and tokens gone; history only if that is asked for."""
    web = call.gateway.settings.value.web
    await prove(call, web.user, call.body["password"])
    archive = call.gateway.providers.archive
    if call.body.get("history") and archive:
        try:
            await asyncio.to_thread(archive.erase)
        except Trouble as trouble:
            raise Refusal(503, "history", str(trouble), retry_s=10) from None
    call.state.keys.forget()
    call.gateway.take(Settings())
    call.state.former.forget()
