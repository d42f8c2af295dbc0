"""Settings: all there are, those in force, changes, rows, undo, backup and restore (manual rows M41, M42)."""

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import fields, replace
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from starlette.responses import Response

from ..runtime import recovery
from ..runtime.audit import Act, Kind
from ..runtime.former_meters import FormerMeter, former_meters
from ..runtime.gateway import Trouble
from ..runtime.identities import remembered
from ..runtime.log_filter import AUDIT
from ..runtime.machine_facts import Machine
from ..runtime.settings_file import hidden_secrets, sample
from ..settings import bounded_toml
from ..settings.amend import (
    Complaint,
    Refused,
    added,
    amend,
    as_table,
    changed_names,
    consistent,
    from_table,
    removed,
)
from ..settings.formats import upgraded
from ..settings.identity import identified
from ..settings.networks import parse_networks, within
from ..settings.outside import new_complaints
from ..settings.permission import asked, changes, proven, secrets_left_out
from ..settings.reach import ReachOf, reasons
from ..settings.rule import Rule
from ..settings.schema import REPEATED, SECTIONS, Settings, rules
from . import settings_shapes
from .api_lists import new_list_complaints
from .api_session import prove, with_cookie
from .endpoint import JSON, Access, Call, Refusal
from .events import dumps
from .joining import bring_along, joined, present, wants_another_id
from .permitted import be_permitted, misplaced
from .refusals import complaint, refusal
from .streaming import attachment
from .times import iso

log = logging.getLogger("han2x.web")

CREDENTIALS = frozenset({"web.user", "web.password"})
"""Changed in their own way, which asks for the password."""

ROWS_MAX = 1000
"""Tables of one kind in a file that is restored: what there are ids for is made row by row."""


async def schema(_: Call) -> settings_shapes.SettingsSchema:
    """All settings there are, for forms."""
    return {
        "sections": [
            {"name": name, "repeated": name in REPEATED, "fields": _fields(section)}
            for name, section in SECTIONS.items()
        ]
    }


def _fields(section: type) -> list[settings_shapes.FieldShape]:
    return [
        _field(f.name, f.default, f.metadata["doc"], f.metadata["rule"], f.metadata["reach"])
        for f in fields(section)
        if not f.metadata["rule"].made_once
    ]


def _field(key: str, default: Any, doc: str, rule: Rule, reach: ReachOf) -> settings_shapes.FieldShape:
    found: settings_shapes.FieldShape = {
        "key": key,
        "type": rule.kind,
        "default": default,
        "doc": doc,
        "must": rule.must,
        "reach": reasons(reach),
    }
    if rule.choices:
        found["choices"] = list(rule.choices)
    if rule.low is not None and rule.high is not None:
        found["low"], found["high"] = rule.low, rule.high
    return found


async def show(call: Call) -> settings_shapes.SettingsShape:
    """The settings in force; secrets are not shown."""
    table = as_table(call.gateway.settings.value)
    shown = {name: _shown(name, value) for name, value in table.items()}
    former = call.state.former
    return {
        "version": former.version,
        "undo": former.known,
        "settings": shown,
        "broken": _broken(call),
        "trial_s": call.gateway.page_trial.rest_s(),
    }


async def confirm(call: Call) -> None:
    """Keep how the page is reached; only for who reaches it so."""
    web, scope = call.gateway.settings.value.web, call.request.scope
    host, port = scope.get("server") or ("", 0)
    there = port == web.port and scope.get("scheme") == ("https" if web.tls else "http")
    allowed = not web.allow or within(call.caller.peer, parse_networks(web.allow))
    if not (there and allowed and _is_at(host, web.host)):
        text = (
            "A change of how the page is reached is confirmed from there: open the page at its new address."
        )
        raise Refusal(409, "not_reached", text)
    call.gateway.page_trial.trust(call.gateway.settings.value)


def _is_at(host: str, listening: str) -> bool:
    """Whether a server that listens somewhere was reached at an address; a name may mean any."""
    try:
        wanted = ip_address(listening)
    except ValueError:
        return True
    return int(wanted) == 0 or str(wanted) == host.removeprefix("::ffff:")


def _broken(call: Call) -> settings_shapes.BrokenShape | None:
    refused = call.gateway.broken.value
    if refused is None:
        return None
    return {
        "file": str(call.gateway.settings_file),
        "good": bool(call.gateway.settings.value.meters),
        "complaints": list(map(complaint, refused.complaints)),
    }


async def put_back(call: Call) -> None:
    """Replace a broken file by the last good settings; a copy of it is kept. In force within two seconds."""
    gateway = call.gateway
    if not gateway.broken.value or not gateway.settings_file:
        raise Refusal(409, "not_broken", "The settings file is in order.")
    try:
        copy = await asyncio.to_thread(recovery.put_back, gateway.settings_file, gateway.state_dir)
    except Trouble as trouble:
        raise Refusal(409, "not_put_back", f"The settings file cannot be replaced: {trouble}.") from None
    call.note(Act.SETTINGS_PUT_BACK)
    log.info("%s: the last good settings are in the file again; it is kept as %s", call.caller.host, copy)


def _shown(name: str, value: Any) -> Any:
    secret = [key for key, rule in rules(SECTIONS[name]).items() if rule.secret]
    rows = value if name in REPEATED else [value]
    hidden = [{**row, **{key: {"set": bool(row[key])} for key in secret}} for row in rows]
    return hidden if name in REPEATED else hidden[0]


async def change(call: Call) -> settings_shapes.SettingsShape | Response:
    """Change values, all or nothing."""
    version = call.body.get("version")
    if version is not None and version != call.state.former.version:
        raise Refusal(409, "changed", "Somebody else has changed the settings meanwhile.")
    wanted = call.body["changes"]
    now = call.gateway.settings.value
    await asyncio.to_thread(lambda: be_permitted(call, asked(now, wanted)))  # before all contradictions
    forbidden = [
        Complaint(path, "is changed by PUT v1/user", "credentials") for path in wanted if path in CREDENTIALS
    ]
    archive, former = None, set[str]()
    if wants_another_id(wanted):
        archive = await present(call.gateway)
        former = {one.id for one in await _former(call)}
    cookie, before = call.state.cookie, call.gateway.settings.value
    await _take(call, partial(_amended, wanted, forbidden, former))
    for was, into in joined(before, call.gateway.settings.value) if former else ():
        await bring_along(call.gateway, archive, was, into)
        call.state.former.forget()
    if call.caller.session and call.state.cookie != cookie:  # it is named by the port: the session goes along
        return with_cookie(Response(dumps(await show(call)), media_type=JSON), call, call.caller.session)
    return await show(call)


def _amended(
    wanted: Mapping[str, object], forbidden: list[Complaint], former: Collection[str], now: Settings
) -> Settings | Refused:
    return Refused(tuple(forbidden)) if forbidden else proven(amend(now, wanted, former), now, wanted)


async def add(call: Call) -> settings_shapes.SettingsShape:
    """One more row of a section."""
    section, taken = _repeated(call), await _taken(call)
    await _take(call, lambda now: added(now, section, call.body, taken))
    return await show(call)


async def _taken(call: Call) -> set[str]:
    """Ids of meters and brokers that were removed: who is added is another, unless its `id` says who."""
    if _repeated(call) == "meters":
        return {one.id for one in await _former(call)}
    known = await asyncio.to_thread(remembered, call.gateway.state_dir)
    return {one.id for one in known if one.section == _repeated(call)}


async def former(call: Call) -> list[settings_shapes.FormerMeterShape]:
    """Meters that were removed and of which something is stored."""
    return [
        {
            "id": one.id,
            "name": one.name,
            "last": iso(one.last_ms) if one.last_ms else None,
            "energy_kwh": None if one.energy_wh is None else one.energy_wh / 1000,
            "meter_id": one.meter_id,
        }
        for one in await _former(call)
    ]


async def _former(call: Call) -> list[FormerMeter]:
    gateway = call.gateway
    settings, archive = gateway.settings.value, gateway.providers.archive
    try:
        return await asyncio.to_thread(former_meters, gateway.state_dir, settings, archive)
    except Trouble as trouble:
        raise Refusal(503, "history", str(trouble), retry_s=5) from None


async def remove(call: Call) -> settings_shapes.SettingsShape:
    """A row of a section less."""
    text = call.path["index"]
    index = int(text) if text.isascii() and text.isdecimal() and len(text) < 6 else -1
    section = _repeated(call)
    if not 0 <= index < len(getattr(call.gateway.settings.value, section)):
        raise Refusal(404, "no_row", "There is no such row.")
    await _take(call, lambda now: removed(now, section, index))
    return await show(call)


def _repeated(call: Call) -> str:
    section = call.path["section"]
    if section not in REPEATED:
        raise Refusal(404, "no_rows", "This section has no rows.")
    return section


async def undo(call: Call) -> settings_shapes.SettingsShape:
    """The settings before the last change, but for how to log in."""
    if not call.state.former.known:
        raise Refusal(409, "nothing", "There is nothing to undo.")
    be_permitted(call, changes(call.gateway.settings.value, call.state.former.undone()))
    if refused := await call.state.take(partial(call.state.former.undo, call.caller.who(Kind.UNDO))):
        raise refusal(refused)
    return await show(call)


async def backup(call: Call) -> Response:
    """The settings as a file; with secrets only for whoever says the password again."""
    secrets = call.query["secrets"]
    if secrets:
        if call.caller.access is not Access.OWNER:
            raise Refusal(403, "scope", "This token may not do that.")
        await prove(call, call.gateway.settings.value.web.user, call.request.headers.get("x-password", ""))
    text = sample(call.gateway.settings.value, secrets=secrets)
    return Response(text, media_type="application/toml", headers=attachment("han2x.toml"))


async def restore(call: Call) -> settings_shapes.SettingsShape:
    """Settings from a file, all or nothing; secrets that it does not hold stay, and so does the log-in."""
    await _take(call, partial(_restored, call.body, call.gateway.state_dir), Kind.RESTORE)
    return await show(call)


def _restored(text: str, state_dir: Path | None, now: Settings) -> Settings | Refused:
    """The settings in a file's text; raises `Refusal` if it is not TOML."""
    try:
        table = bounded_toml.loads(text)
    except (ValueError, RecursionError) as error:
        raise Refusal(422, "toml", f"The file is not TOML: {error}") from None
    if any(isinstance(rows, list) and len(rows) > ROWS_MAX for rows in table.values()):
        raise Refusal(422, "toml", f"The file has more than {ROWS_MAX} tables of one kind.")
    new = upgraded(identified(table, remembered(state_dir)))
    result = new if isinstance(new, Refused) else from_table(new)
    if not isinstance(result, Settings) or isinstance(new, Refused):
        return result
    given = _given(new)
    made = proven(consistent(_with_secrets(result, new, now), now), now, given)
    marked = {path: at for path, at in hidden_secrets(text).items() if path not in given | CREDENTIALS}
    missing = tuple(secrets_left_out(made, marked)) if isinstance(made, Settings) else ()
    return Refused(missing) if missing else made


def _given(table: Mapping[str, Any]) -> set[str]:
    """Paths of the values that a file holds."""
    rows = [(f"{name}.{index}", row) for name in REPEATED for index, row in enumerate(table.get(name, ()))]
    rows += [(name, row) for name, row in table.items() if isinstance(row, Mapping)]
    return {f"{holder}.{key}" for holder, row in rows for key in row}


def _with_secrets(wanted: Settings, table: Mapping[str, Any], now: Settings) -> Settings:
    """Secrets that a file leaves out, from the settings in force: of a row with the same id."""
    for name in SECTIONS.keys() - REPEATED:
        wanted = replace(
            wanted, **{name: _kept(getattr(wanted, name), table.get(name, {}), getattr(now, name))}
        )
    web = replace(wanted.web, user=now.web.user, password=now.web.password)
    wanted = replace(wanted, web=web)
    for name in REPEATED:
        known = {row.id: row for row in getattr(now, name)}
        given = table.get(name, [{}] * len(getattr(wanted, name)))
        rows = zip(getattr(wanted, name), given, strict=True)
        kept: Any = tuple(_kept(row, said, known.get(row.id)) for row, said in rows)
        wanted = replace(wanted, **{name: kept})
    return wanted


def _kept(row: Any, said: Mapping[str, Any], known: Any) -> Any:
    secret = [key for key, rule in rules(type(row)).items() if rule.secret and key not in said]
    return replace(row, **{key: getattr(known, key) for key in secret}) if known and secret else row


async def _take(call: Call, make: Callable[[Settings], Settings | Refused], way: Kind = Kind.OWNER) -> None:
    """Put in force what `make` makes of the settings, in a thread; raises `Refusal` with what is wrong."""
    now = call.gateway.settings.value
    result = await asyncio.to_thread(_made, call, make, now)
    if call.gateway.settings.value is not now:
        raise Refusal(409, "changed", "Somebody else has changed the settings meanwhile.")
    if refused := await call.state.take(partial(call.gateway.take, result, call.caller.who(way))):
        raise refusal(refused)
    who = f"token {call.caller.name}" if call.caller.token else "owner"
    names = ", ".join(changed_names(now, call.gateway.settings.value)) or "nothing"
    words = call.request.method, call.request.scope["path"]
    log.info("%s (%s): %s: settings changed by %s %s", call.caller.host, who, names, *words, extra=AUDIT)


def _made(call: Call, make: Callable[[Settings], Settings | Refused], now: Settings) -> Settings | Refused:
    """What `make` makes, if the caller may; files are asked only then, for their answers tell of them."""
    result = make(now)
    if isinstance(result, Refused) or result == now:
        return result
    be_permitted(call, changes(now, result))
    against = (
        misplaced(now, result, call.gateway.state_dir)
        or new_complaints(result, now, Machine(call.gateway.state_dir))
        or new_list_complaints(call.gateway.providers.sources, now, result)
    )
    return Refused(against) if against else result
