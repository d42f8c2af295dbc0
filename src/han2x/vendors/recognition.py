"""Whose list a body is: by its mark, by what it says itself, by the places of its values."""

from ..settings.lists import VALUES_MAX
from ..wire.axdr import Array, Data, Structure
from . import aidon, iskraemeco, kaifa, kamstrup, landisgyr, selfdescribing, wienernetze
from .layouts import pattern_of
from .vendor import Vendor

VENDORS: tuple[Vendor, ...] = (
    kaifa.NORWAY,
    aidon.FAST,
    aidon.NORWAY,
    kamstrup.KAMSTRUP,
    landisgyr.EMBRIQ,
    kaifa.SWEDEN,
    aidon.SWEDEN,
)
"""Those whose lists bear a mark, in the order they are tried: the first whose mark is there."""

BY_PLACE: tuple[Vendor, ...] = (iskraemeco.POSITIONAL, landisgyr.AUSTRIA, wienernetze.WIENER_NETZE)
"""Those whose lists say nothing: they are told by how many values of which kinds there are."""

VENDORS_1_WH = tuple(kamstrup.ONE_WH if vendor is kamstrup.KAMSTRUP else vendor for vendor in VENDORS)


def recognise(
    body: Data, vendors: tuple[Vendor, ...] = VENDORS, title: bytes = b"", taught: tuple[Vendor, ...] = ()
) -> Vendor | None:
    """The vendor whose list a body is: by its mark, by what it says itself, by the places of its values."""
    for vendor in vendors:
        if vendor.recognise(body):
            return vendor
    by_place = (vendor for vendor in (*BY_PLACE, *taught) if vendor.recognise(body))
    return selfdescribing.vendor_of(body, title) or next(by_place, None)


def unexplained(body: Data) -> str:
    """What is said of a list that nothing explains."""
    count = f" of {len(body)} values" if isinstance(body, Array | Structure) else ""
    pattern = pattern_of(body)
    taught = (
        f"; it can be taught in the settings, pattern {pattern}" if 0 < len(pattern) <= VALUES_MAX else ""
    )
    return f"a list{count} that no table explains{taught}"
