"""The service that reads tariff files: those built in, a person's own, changed ones and wrong ones."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from han2x.billing import tariffs
from han2x.billing.tariffs import load, run
from han2x.model.instant import Instant
from han2x.runtime.gateway import Gateway, Trouble
from han2x.runtime.health import Condition
from han2x.runtime.price_lists import PriceLists
from han2x.settings.schema import Settings, TariffFiles

OWN = "[[periods]]\nfrom = 2026-01-01\nsteps = [{ from_kw = 0, price = 120 }]\n"
LEVIES = '[[zones]]\nname = "south"\nvat = 10\npower_tax = true\n'


NOW = Instant(1_790_000_000_000, 0)  # 21 September 2026


def files(folder: Path | str = "", *names: str, tax_zone: str = "south") -> TariffFiles:
    return TariffFiles(folder=str(folder), names=names, tax_zone=tax_zone)


def kept(section: TariffFiles, check: Callable[[Gateway], Awaitable[None]]) -> Gateway:
    """Run the service while something is checked."""

    async def both() -> Gateway:
        gateway = Gateway(Settings(), clock=lambda: NOW)
        task = asyncio.create_task(run(section, gateway, "tariffs"))
        try:
            async with asyncio.timeout(60):
                while not task.done() and "tariffs" not in gateway.health.value:
                    await asyncio.sleep(0.005)
            await check(gateway)
        finally:
            task.cancel()
            await asyncio.wait([task])
        if not task.cancelled():
            task.result()
        return gateway

    return asyncio.run(both())


async def nothing(_: Gateway) -> None:
    """There is nothing more to check."""


def test_built_in() -> None:
    """The tariffs that meters name are read, and the levies."""
    gateway = kept(files("", "elvia", "fjellnett"), nothing)
    assert set(gateway.accounts.tariffs.value) == {"elvia", "fjellnett"}
    assert gateway.accounts.tariffs.value["elvia"].checked is not None
    assert gateway.accounts.levies.value is not None
    assert gateway.health.value["tariffs"].condition is Condition.OK
    assert {"alut", "bkk", "elvia", "fjellnett", "sor-aurdal"} <= set(PriceLists().names())


def test_ones_own_file_goes_first(tmp_path: Path) -> None:
    """A file in the folder takes the place of the one built in; what is not there is built in."""
    (tmp_path / "elvia.toml").write_text(OWN)
    (tmp_path / "levies.toml").write_text(LEVIES)
    gateway = kept(files(tmp_path, "elvia", "bkk", tax_zone="south"), nothing)
    found = gateway.accounts.tariffs.value
    assert (len(found["elvia"].periods[0].steps), len(found["bkk"].periods[0].steps)) == (1, 10)
    assert gateway.accounts.levies.value
    assert gateway.accounts.levies.value.zones["south"].vat == 10


def test_a_changed_file_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A person edits the file, and the tariff follows without a restart."""
    monkeypatch.setattr(tariffs, "LOOK_S", 0.01)
    path = tmp_path / "mine.toml"
    path.write_text(OWN)

    async def check(gateway: Gateway) -> None:
        seen = gateway.accounts.tariffs.value
        path.write_text(OWN.replace("120", "2400"))
        async with asyncio.timeout(60):
            while gateway.accounts.tariffs.value is seen:
                await gateway.accounts.tariffs.changed(seen)
        assert gateway.accounts.tariffs.value["mine"].periods[0].steps[0].price == 240_000_000

    kept(files(tmp_path, "mine"), check)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            OWN.replace("120", "-1"),
            r"mine\.toml: periods\[0\]\.steps\[0\]\.price must be from 0 to 1000000 NOK",
        ),
        ("[[periods]\n", r"mine\.toml is not TOML: "),
        ("a = " + "[" * 100_000, r"mine\.toml is not TOML: "),
        ("x = 1\n" * 200_000, r"mine\.toml cannot be read: it is larger than 1000000 bytes"),
        (OWN + "\n".join(f"x{n} = 1" for n in range(9)), r"and 4 more$"),
    ],
)
def test_a_wrong_file(tmp_path: Path, text: str, message: str) -> None:
    """A wrong file is named with what is wrong, and the tariffs in force stay as they are."""
    (tmp_path / "mine.toml").write_text(text)
    with pytest.raises(Trouble, match=message):
        kept(files(tmp_path, "mine"), nothing)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    """No such tariff, a folder in its place, octets that are no text: each in its own words."""
    with pytest.raises(Trouble, match="there is no tariff mine"):
        load(PriceLists(str(tmp_path)), files(tmp_path, "mine"))
    (tmp_path / "mine.toml").mkdir()
    with pytest.raises(Trouble, match="cannot be read: Is a directory"):
        load(PriceLists(str(tmp_path)), files(tmp_path, "mine"))
    (tmp_path / "mine.toml").rmdir()
    (tmp_path / "mine.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(Trouble, match="cannot be read: it is not UTF-8"):
        load(PriceLists(str(tmp_path)), files(tmp_path, "mine"))
    os.unlink(tmp_path / "mine.toml")


def test_an_unknown_tax_zone() -> None:
    """A zone that the levies do not know is said, with those there are."""
    with pytest.raises(
        Trouble, match=r"prices\.tax_zone 'moon' is not in .*, which has south, north, action"
    ):
        kept(files("", tax_zone="moon"), nothing)
