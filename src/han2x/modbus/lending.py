"""What Modbus lends to those that show it: the live registers of each unit id, and lists for tools."""

import math
from collections.abc import Sequence
from itertools import chain

from ..runtime.gateway import Gateway
from ..runtime.providers import RegisterRow, UnitRow
from ..settings.schema import Meter
from .catalogue import FIRST_METER, MAPS, UNIT_ID, Unit, units
from .staleness import shown
from .table import Image, Register


def _unit(unit_id: int, meter: Meter, unit: Unit) -> UnitRow:
    return UnitRow(unit_id, meter.id, meter.name, unit.map.name, unit.map.title)


class Registers:
    """See `runtime.providers.Registers`."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def units(self) -> Sequence[UnitRow]:
        """All unit ids that answer, but for those that only stand for the first meter's."""
        settings = self._gateway.settings.value
        found = units(settings)
        own = {getattr(meter, name) for meter in settings.meters for name in UNIT_ID.values()}
        return [
            _unit(unit_id, settings.meters[unit.index], unit)
            for unit_id, unit in sorted(found.items())
            if unit_id not in FIRST_METER or unit_id in own - {0}
        ]

    def rows(self, unit_id: int) -> Sequence[RegisterRow] | None:
        """All registers of a unit id as they read now."""
        unit = units(self._gateway.settings.value).get(unit_id)
        if unit is None:
            return None
        image = self._image(unit)
        return [_row(unit, register, image) for register in unit.map.rows]

    def _image(self, unit: Unit) -> Image | None:
        settings = self._gateway.settings.value
        view = self._gateway.view(settings.meters[unit.index], self._gateway.now())
        fresh = shown(view, unit.policy, settings.modbus_maps.stale_after_s)
        return unit.map.image(fresh) if fresh else None

    def formats(self) -> Sequence[str]:
        """What lists are written for."""
        from . import exports, listing  # not on the way to the first answer

        return [*listing.FORMATS, *exports.FORMATS]

    def listing(self, map: str, form: str, host: str) -> str | None:
        """A list as `han2x registers` prints it, with our port, and the unit id that shows the map."""
        from . import exports, listing

        settings = self._gateway.settings.value
        if map not in MAPS or form not in self.formats():
            return None
        found = MAPS[map](settings.modbus_maps)
        if form in listing.FORMATS:
            return listing.render(form, found)
        shown_by = chain((getattr(meter, UNIT_ID[map]) for meter in settings.meters), (1,))
        unit_id = next(filter(None, shown_by))
        target = exports.Target(map, host, settings.modbus_tcp.port, unit_id)
        return exports.render(form, found, target)


def _row(unit: Unit, register: Register, image: Image | None) -> RegisterRow:
    from . import listing

    first, last = register.addresses[0], register.addresses[-1]
    numbers = [listing.map_number(listing.MODICON_FIRST + at) for at in dict.fromkeys((first, last))]
    octets = image.read(first, register.words) if image else None
    value = register.type.value(unit.map.in_order(register.type, octets)) if octets is not None else None
    return RegisterRow(
        register="-".join(numbers),
        address=first,
        hex=f"0x{first:04X}",
        name=register.name,
        meaning=register.meaning,
        type=register.type.name,
        unit=register.unit,
        access=register.access,
        raw=octets.hex(" ", 2) if octets is not None else None,
        value=None if isinstance(value, float) and not math.isfinite(value) else value,
    )
