"""Price lists and levies that are fetched: all that is good, or none of it, from a server of our own."""

import asyncio
import gzip
import io
import tarfile
from datetime import date
from pathlib import Path

import pytest

from han2x.billing import gather, updates
from han2x.billing.updates import run, update
from han2x.model.instant import Instant
from han2x.runtime.gateway import Gateway, Trouble
from han2x.runtime.health import Condition
from han2x.runtime.price_lists import BUILT_IN, Fetched, PriceLists
from han2x.settings.schema import Settings, TariffUpdates

from .conftest import Server

TODAY = date(2026, 9, 21)
NOW = Instant(1_790_000_000_000, 0)


def bkk(
    energy: str = "11.5", checked: str = "2026-09-01", begins: str = "2026-01-01", step: int = 1500
) -> str:
    return (
        f"netteier: BKK AS\nsist_oppdatert: '{checked}'\nkilder: []\ntariffer:\n"
        f"  - kundegrupper: [husholdning]\n    gyldig_fra: '{begins}'\n"
        "    fastledd:\n      metode: TRE_DØGNMAX_MND\n      terskel_inkludert: true\n      terskler:\n"
        f"        - terskel: 0\n          pris: {step}\n        - terskel: 2\n          pris: {30 * step}\n"
        f"    energiledd:\n      grunnpris: {energy}\n"
    )


def packed(**files: str) -> bytes:
    into = io.BytesIO()
    with tarfile.open(fileobj=into, mode="w") as archive:
        for name, text in files.items():
            member, content = tarfile.TarInfo(f"main/tariffer/{name}.yml"), text.encode()
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return gzip.compress(into.getvalue(), mtime=0)  # tests are named by it: the same in each worker


LEVIES = (BUILT_IN / "levies.toml").read_text("utf-8")


def section(server: Server, *names: str, levies: bool = False) -> TariffUpdates:
    return TariffUpdates(
        address=f"{server.url}/main",
        levies=f"{server.url}/rates.toml" if levies else "",
        names=names,
        tax_zone="south",
    )


def fetched(server: Server, state: Path, content: bytes, *names: str) -> PriceLists:
    server.answers["/api/main"] = 200, content
    lists = PriceLists("", state)
    update(section(server, *names), lists, TODAY)
    return lists


def test_a_newer_price_list_takes_the_place_of_the_one_built_in(server: Server, tmp_path: Path) -> None:
    """And a company that no version of the program has known can be chosen."""
    lists = fetched(server, tmp_path, packed(bkk=bkk(), newnett=bkk()), "bkk")
    assert lists.tariff("bkk").periods[0].charges[0].price == 11_500
    assert "newnett" in lists.names()
    assert lists.tariff("elvia") == PriceLists().tariff("elvia")
    assert PriceLists().tariff("bkk").periods[-1].charges[-1].price == 10_500


def test_a_list_checked_later_that_comes_with_the_program(tmp_path: Path) -> None:
    """A new version of the program is not held back by what was fetched long ago."""
    old = "checked = 2020-01-01\n[[periods]]\nfrom = 2020-01-01\nsteps = [{ from_kw = 0, price = 1 }]\n"
    lists = PriceLists("", tmp_path)
    lists.store(Fetched("x", "2020-01-01", {"bkk.toml": old, "fjord.toml": old}))
    assert lists.tariff("bkk") == PriceLists().tariff("bkk")
    assert lists.tariff("fjord").periods[0].begins == date(2020, 1, 1)


def test_a_damaged_store_is_set_aside(tmp_path: Path) -> None:
    """It is said, and those built in are used."""
    (tmp_path / "tariffs.json").write_text('{"texts": 3}')
    said: list[str] = []
    assert PriceLists("", tmp_path).fetched(said.append) == Fetched()
    assert "tariffs.json cannot be used" in said[0]
    assert PriceLists("", tmp_path).tariff("bkk") == PriceLists().tariff("bkk")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (packed(bkk=bkk(), other="a: &b"), "other.yml: line 1: "),
        (packed(bkk=bkk(energy="mye")), "grunnpris must be a number"),
        (
            packed(bkk=bkk(checked="2025-01-01")),
            "bkk was checked on 2025-01-01, and the one known already on 2025-12-12",
        ),
        (packed(bkk=bkk(checked="2027-01-01")), "which is still to come"),
        (packed(bkk=bkk(begins="2027-01-01")), "bkk has no price list for today any more"),
        (packed(bkk=bkk(energy="2877")), "bkk: its energy charge is 8 times"),
        (packed(bkk=bkk(step=124)), "bkk: its first step is 8 times"),
        (packed(), "has 0 folders"),
        (b"<html>", "is no archive"),
        (packed(bkk=bkk())[:-20], "is no archive"),
    ],
)
def test_on_doubt_nothing_is_taken(server: Server, tmp_path: Path, content: bytes, message: str) -> None:
    """What was fetched before stays as it is, whole."""
    lists = fetched(server, tmp_path, packed(bkk=bkk("10.9", checked="2025-12-12"), dal=bkk()), "bkk")
    before = (tmp_path / "tariffs.json").read_bytes()
    with pytest.raises(Trouble) as refused:
        fetched(server, tmp_path, content, "bkk")
    assert message in str(refused.value)
    assert server.url in str(refused.value)
    assert (tmp_path / "tariffs.json").read_bytes() == before
    assert lists.tariff("dal").title == "BKK AS"


def test_a_company_that_vanishes_stays(server: Server, tmp_path: Path) -> None:
    """A list that is no longer collected grows old, and is not lost."""
    fetched(server, tmp_path, packed(bkk=bkk(), dal=bkk()))
    assert "dal" in fetched(server, tmp_path, packed(bkk=bkk())).names()


def test_a_large_answer(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a long archive nor one that unpacks to much is read to its end."""
    monkeypatch.setattr(gather, "UNPACKED_MAX", 100_000)
    with pytest.raises(Trouble, match="longer than 100000 bytes"):
        fetched(server, tmp_path, packed(bkk="#" * 150_000))
    monkeypatch.setattr(gather, "PACKED_MAX", 100)
    with pytest.raises(Trouble, match="longer than 100 bytes"):
        fetched(server, tmp_path, packed(bkk=bkk()))


def test_a_redirect_is_not_followed(server: Server, tmp_path: Path) -> None:
    """Another address than the one chosen is not asked."""
    server.answers["/api/main"] = 302, b""
    with pytest.raises(Trouble, match="answers 302"):
        update(section(server), PriceLists("", tmp_path), TODAY)


def test_levies_are_fetched_too(server: Server, tmp_path: Path) -> None:
    """A later row of taxes is there at once, and one that is gone is a doubt."""
    server.answers["/api/main"] = 200, packed(bkk=bkk())
    newer = LEVIES.replace("checked = 2026-11-25", "checked = 2027-01-02").replace(
        "until = 2027-01-01", "until = 2028-01-01"
    )
    server.answers["/api/rates.toml"] = 200, newer.encode()
    lists = PriceLists("", tmp_path)
    update(section(server, levies=True), lists, TODAY)
    assert {row.ends for row in lists.levies()[1].supports} == {date(2026, 1, 1), date(2028, 1, 1)}
    for text, message in (
        ("zones = 1", "zones must be a list of tables"),
        (newer.split("[[norgespris]]")[0], "it has no row of norgespris for today any more"),
        (newer.replace('"south"', '"sør"'), "it has no zone 'south'"),
        ("[[zones", "it is not TOML"),
    ):
        server.answers["/api/rates.toml"] = 200, text.encode()
        with pytest.raises(Trouble) as refused:
            update(section(server, levies=True), lists, TODAY)
        assert message in str(refused.value)
        assert len(lists.levies()[1].fixed) == 1


def test_once_a_day(server: Server, tmp_path: Path) -> None:
    """The service says what it fetched, and after a restart on the same day it asks for nothing."""
    server.answers["/api/main"] = 200, packed(bkk=bkk())
    assert _condition(section(server), tmp_path) == (
        Condition.OK,
        "fetched 2026-09-21: 1 tariffs, 0 price lists not converted",
    )
    assert _condition(section(server), tmp_path) == (Condition.OK, "fetched 2026-09-21")
    assert server.asked == ["/api/main"]
    server.answers["/api/main"] = 500, b""
    condition, text = _condition(section(server, levies=True), tmp_path)
    assert condition is Condition.FAILING
    assert "answers 500" in text
    assert "those known already stay in use" in text


def _condition(chosen: TariffUpdates, state: Path) -> tuple[Condition, str]:
    async def first() -> tuple[Condition, str]:
        gateway = Gateway(Settings(), clock=lambda: NOW, state_dir=state)
        task = asyncio.create_task(run(chosen, gateway, "tariff updates"))
        async with asyncio.timeout(60):
            while "tariff updates" not in gateway.health.value:
                await asyncio.sleep(0.005)
        task.cancel()
        await asyncio.wait([task])
        found = gateway.health.value["tariff updates"]
        return found.condition, found.text

    return asyncio.run(first())


def test_nothing_is_fetched_unless_an_address_is_set() -> None:
    """Off is how it comes."""
    from han2x.app import SERVICES

    [service] = [one for one in SERVICES if one.entry == "han2x.billing.updates:run"]
    assert service.sections(Settings()) == {}
    assert updates.DAY_S == 86_400
