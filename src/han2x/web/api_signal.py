"""The HAN doctor's page: telegrams octet by octet, rates, captures, and trials of sources and brokers."""

import asyncio
import secrets
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

from starlette.responses import Response

from ..model.instant import Instant
from ..runtime.gateway import Trouble
from ..runtime.providers import Attempt, Sources
from ..settings.amend import Refused, added
from ..settings.broker import Mqtt
from ..settings.permission import row_changes, row_secrets_again
from ..settings.schema import Meter, Settings
from ..settings.source import MqttSource, ReplaySource, SourceError, parse_source
from . import live_shapes, shapes
from .api_meters import named
from .endpoint import LINES, OCTETS, Access, Call, Refusal
from .events import dumps
from .long_answers import Kind
from .meter import verdict
from .permitted import be_permitted, be_shown_bytes, be_source_to_try, shows_bytes
from .refusals import refusal
from .signal import telegram
from .streaming import Streaming, attachment

CAPTURE_MAX = 262_144
"""Octets that wait for a slow reader of a capture; it is cut off when there are more."""


def sources(call: Call) -> Sources:
    """What the reading of meters lends; raises `Refusal` before it runs."""
    if call.gateway.providers.sources is None:
        raise Refusal(503, "starting", "The reading of meters has not started yet.", retry_s=2)
    return call.gateway.providers.sources


async def telegrams(call: Call) -> list[live_shapes.TelegramShape]:
    """The last telegrams of a meter, the newest first."""
    name, lent, recorder = named(call, call.path["meter"]).id, sources(call), call.state.recorder
    be_shown_bytes(call, name)
    kept = recorder.kept(name, call.query["limit"]) if recorder else []
    return [telegram(one, lent.explain(one.octets)) for one in kept]


async def rates(call: Call) -> live_shapes.Rates:
    """How often each list came in the last minute."""
    name, recorder = named(call, call.path["meter"]).id, call.state.recorder
    if recorder is None:
        raise Refusal(503, "ending", "The page is closing.", retry_s=2)
    return recorder.rates(name, call.now.mono_ms)


async def capture(call: Call) -> Response:
    """The octets of a line as they come; of a file none, or any file of the machine could be read so."""
    meter = named(call, call.path["meter"])
    if isinstance(parse_source(meter.source), ReplaySource):
        raise Refusal(409, "replay", "This meter's source is a recording already.")
    be_shown_bytes(call, meter.id)
    pieces = _captured(call, meter, call.query["seconds"])
    return Streaming(call, Kind.CAPTURE, pieces, OCTETS, attachment(f"{meter.id}.bin"))


def _goes_on(call: Call, meter: Meter) -> bool:
    """Whether a meter's source is what it was when a capture began, and its bytes may be seen still."""
    settings = call.gateway.settings.value
    same = any(one.id == meter.id and one.source == meter.source for one in settings.meters)
    return same and shows_bytes(settings, meter.id, owner=call.caller.access is Access.OWNER)


async def _captured(call: Call, meter: Meter, seconds: int) -> AsyncIterator[bytes]:
    waiting: deque[bytes] = deque()
    woken = asyncio.Event()

    def take(octets: bytes) -> None:
        waiting.append(octets)
        woken.set()

    stop = call.gateway.octets(meter.id).watch(take)
    try:
        async with asyncio.timeout(seconds):
            while sum(map(len, waiting)) <= CAPTURE_MAX and not call.state.ending.is_set():
                await woken.wait()
                woken.clear()
                if not _goes_on(call, meter):
                    break
                octets = b"".join(waiting)
                waiting.clear()
                yield octets
    except TimeoutError:
        pass
    finally:
        stop()


async def try_source(call: Call) -> Response:
    """Listen to a source, and tell how that goes, a line of JSON each second."""
    source, seconds = call.body["source"], call.body.get("seconds", 12)
    if not 1 <= seconds <= 120:
        raise Refusal(422, "seconds", "It may be listened to for 1 to 120 seconds.")
    try:
        parsed = parse_source(source)
    except SourceError as error:
        complaint: shapes.ComplaintShape = {
            "path": "source",
            "code": "source",
            "params": {},
            "text": str(error),
        }
        raise Refusal(422, "source", str(error), complaints=[complaint]) from None
    await asyncio.to_thread(be_source_to_try, call, source)
    broker = _broker(call.gateway.settings.value, parsed.broker) if isinstance(parsed, MqttSource) else None
    attempts = sources(call).attempt(source, seconds, broker)
    return Streaming(call, Kind.TRIAL, _tried(call, attempts), LINES)


def _broker(settings: Settings, name: str) -> Mqtt | None:
    return next((one for one in settings.mqtt if one.id == name), None)


async def _tried(call: Call, attempts: AsyncIterator[Attempt]) -> AsyncIterator[bytes]:
    try:
        async for attempt in attempts:
            yield _line(attempt, call.gateway.now())
    except Trouble as trouble:
        yield (dumps({"error": "no-source", "text": str(trouble), "done": True}) + "\n").encode()


def _line(attempt: Attempt, now: Instant) -> bytes:
    evidence, reading = attempt.diagnosis.evidence, attempt.reading
    shown: dict[str, Any] | None = None
    if reading:
        shown = {
            "vendor": reading.vendor,
            "list": reading.list_type.value,
            "meter_id": reading.identity.meter_id,
            "meter_type": reading.identity.meter_type,
            "net": reading.fitting.net.value if reading.fitting.net else None,
            "values": {
                quantity.value: {
                    "value": quantity.displayed(value),
                    "unit": quantity.unit.display,
                    "label": quantity.label,
                }
                for quantity, value in reading.values.items()
            },
        }
    line = {
        "octets": evidence.octets,
        "good": evidence.good,
        "diagnosis": verdict(attempt.diagnosis, now),
        "line": attempt.line or None,
        "reading": shown,
        "done": attempt.done,
    }
    return (dumps(line) + "\n").encode()


async def adapters(call: Call) -> list[shapes.AdapterShape]:
    """The serial adapters that are plugged in."""
    found = await asyncio.to_thread(sources(call).adapters)
    return [{"path": a.path, "name": a.name, "known": a.known, "hint": a.hint} for a in found]


async def try_broker(call: Call) -> shapes.TryResult:
    """Connect to a broker and leave; a password that is left out is that of the broker of this id or name."""
    given = dict(call.body)
    settings, id, name = call.gateway.settings.value, given.pop("id", ""), given.get("name", "")
    named = next((one for one in settings.mqtt if one.name == name), None)
    known = _broker(settings, id) or _broker(settings, name) or named
    result = added(settings, "mqtt", {**given, "name": f"try-{secrets.token_hex(4)}"})
    if isinstance(result, Refused):
        raise refusal(result)
    entry = result.mqtt[-1]
    be_permitted(call, row_changes("mqtt", known or Mqtt(), entry))
    if known and "password" not in given:
        entry = replace(entry, password=known.password)
        if again := tuple(row_secrets_again("mqtt", known, entry, ())):
            raise refusal(Refused(again))
    give_back = call.state.long_answers.take(Kind.TRIAL, call.caller)
    try:
        return await _connected(entry)
    finally:
        give_back()


async def _connected(entry: Mqtt) -> shapes.TryResult:
    from ..runtime.broker import connect  # costs memory, and few have a broker

    try:
        broker = await connect(entry, client_id=f"han2x-try-{secrets.token_hex(4)}", will=None)
    except Trouble as trouble:
        return {"ok": False, "text": str(trouble)}
    await broker.close()
    return {"ok": True, "text": f"connected to {broker.peer}"}
