"""Hours of a meter that knows no time of day (SML): dated by the machine's clock, and told to be so."""

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

from han2x.history import periods
from han2x.history.file import open_reading
from han2x.model.hour import Basis
from han2x.model.quantity import Quantity
from han2x.runtime.gateway import Gateway

from .. import sml_telegrams as sml
from ..sml_telegrams import WH, W, entry, signed, unsigned

HOUR = 3600
BEGIN = 1_767_225_600  # 2026-01-01 00:00 UTC, a full hour
PERIOD_S = 10


def telegram(second: int) -> bytes:
    """720 W of import on end: 2 Wh in ten seconds, told in tenths."""
    counted = 100_000_000 + 20 * (second - BEGIN) // PERIOD_S
    return sml.telegram(
        (
            entry("1-0:1.8.0", unsigned(counted), WH, -1),
            entry("1-0:2.8.0", unsigned(70_000), WH, -1),
            entry("1-0:16.7.0", signed(720), W),
        ),
        sml.EMH,
    )


def every_ten_seconds(first: int, last: int) -> Iterator[tuple[int, bytes]]:
    return ((second, telegram(second)) for second in range(first, last, PERIOD_S))


def test_hours_of_the_machines_clock(tmp_path: Path, play: Callable[..., Gateway]) -> None:
    """Whole hours are those of the registers; what they are dated by is no meter's clock."""
    path = tmp_path / "history.sqlite"
    play(path, every_ten_seconds(BEGIN - 1800, BEGIN + 3 * HOUR + 600))
    with closing(open_reading(path)) as file:
        hours = {hour.start: hour for hour in periods.hours(file, "main", 0, periods.EVER)}
        sure = {row[0] for row in file.execute("SELECT DISTINCT sure FROM register")}
    for start in range(BEGIN, BEGIN + 3 * HOUR, HOUR):
        assert hours[start].energies[Quantity.ACT_ENERGY_POS] == 720
        assert hours[start].energies[Quantity.ACT_ENERGY_NEG] == 0
        assert hours[start].basis is Basis.UNCERTAIN
    assert sure == {0}
