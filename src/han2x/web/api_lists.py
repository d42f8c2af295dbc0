"""Lists that nothing explains: their values in their places, and what a table makes of them."""

from collections.abc import Iterator, Sequence

from ..model.explained import UnknownList
from ..runtime.providers import Sources
from ..settings.amend import Refused, added, amend
from ..settings.complaint import Complaint
from ..settings.consistency import list_complaint
from ..settings.lists import TaughtList, malformed
from ..settings.schema import Settings, rules
from . import live_shapes, shapes
from .api_meters import named
from .api_signal import sources
from .endpoint import Call, Refusal
from .permitted import be_shown_bytes
from .refusals import complaint
from .signal import Kept
from .times import iso


async def unknown_lists(call: Call) -> live_shapes.UnknownLists:
    """The lists of a meter that no table of the program explains, the newest of each pattern."""
    meter, lent = named(call, call.path["meter"]).id, sources(call)
    be_shown_bytes(call, meter)
    taught = {one.pattern: one for one in call.gateway.settings.value.lists}
    return {
        "lists": [
            _shape(kept, found, taught.get(found.pattern)) for kept, found in _unknown(call, meter, lent)
        ],
        "meanings": [
            {
                "code": one.code,
                "name": one.name,
                "label": one.label,
                "unit": one.unit,
                "kinds": [live_shapes.KINDS[letter] for letter in one.kinds],
            }
            for one in lent.meanings()
        ],
    }


def _unknown(call: Call, meter: str, lent: Sources) -> Iterator[tuple[Kept, UnknownList]]:
    recorder, seen = call.state.recorder, set[str]()
    names = {one.name for one in call.gateway.settings.value.lists}
    for kept in recorder.not_built_in(meter, names) if recorder else ():
        found = lent.unknown_list(meter, kept.octets)
        if found and (key := found.pattern or f"{found.size} values") not in seen:
            seen.add(key)
            yield kept, found


def _shape(kept: Kept, found: UnknownList, taught: TaughtList | None) -> live_shapes.UnknownListShape:
    return {
        "telegram": kept.id,
        "at": iso(kept.at_ms),
        "pattern": found.pattern,
        "count": found.size,
        "values": [
            {"place": place, "kind": live_shapes.KINDS[one.kind], "value": one.value}
            for place, one in enumerate(found.places, 1)
        ],
        "taught": {"name": taught.name, "codes": taught.codes, "factors": taught.factors} if taught else None,
    }


async def try_list(call: Call) -> shapes.TriedList:
    """What the values of the newest list of this pattern mean by a table; nothing is stored."""
    meter, lent, body = named(call, call.path["meter"]).id, sources(call), call.body
    be_shown_bytes(call, meter)
    wrong = _complaints(call.gateway.settings.value, lent, body)
    row = _list(body, wrong)
    kept = next((k for k, found in _unknown(call, meter, lent) if found.pattern == body["pattern"]), None)
    if kept is None:
        raise Refusal(404, "no_list", "No list of this pattern has come lately.")
    return {
        "complaints": list(map(complaint, wrong)),
        "values": [
            {
                "place": one.place,
                "label": one.label,
                "value": None if one.value == "" else one.value,
                "unit": one.unit,
            }
            for one in (lent.named(meter, kept.octets, row) if row else ())
        ],
    }


def _complaints(now: Settings, lent: Sources, body: shapes.ListToTry) -> tuple[Complaint, ...]:
    """What settings with this list would be refused for."""
    index = next((at for at, one in enumerate(now.lists) if one.pattern == body["pattern"]), len(now.lists))
    if faults := tuple(malformed(body["codes"], body["factors"])):
        return tuple(list_complaint(index, one) for one in faults)
    values = {f"lists.{index}.{key}": value for key, value in body.items()}
    result = amend(now, values) if index < len(now.lists) else added(now, "lists", body)
    if isinstance(result, Refused):
        return result.complaints
    return new_list_complaints(lent, now, result)


def _list(body: shapes.ListToTry, wrong: Sequence[Complaint]) -> TaughtList | None:
    """The list without the places that are wrong; None if it is none even so."""
    codes, factors = body["codes"].split(), body["factors"].split()
    for at in {int(one.params["place"]) - 1 for one in wrong if "place" in one.params}:
        if at < min(len(codes), len(factors)):
            codes[at] = factors[at] = "-"
    values = {"pattern": body["pattern"], "codes": " ".join(codes), "factors": " ".join(factors)}
    known = rules(TaughtList)
    return None if any(known[key].complaint(value) for key, value in values.items()) else TaughtList(**values)


def new_list_complaints(lent: Sources | None, before: Settings, after: Settings) -> tuple[Complaint, ...]:
    """What is wrong with the meanings of lists that was not so before."""
    if lent is None or before.lists == after.lists:
        return ()
    known = {one.text for one in lent.list_complaints(before.lists)}
    return tuple(one for one in lent.list_complaints(after.lists) if one.text not in known)
