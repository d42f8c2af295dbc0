"""Every price list of the open collection, against what is made of it; HAN2X_COLLECTION names the folder.

Read by PyYAML and by the collection's own words, not by ours. Without the folder there is nothing to compare.
"""

import os
import tomllib
from collections import Counter
from datetime import date, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from han2x.tariff.capacity import capacity
from han2x.tariff.collection import convert, write
from han2x.tariff.collection import yaml as ours
from han2x.tariff.use import Use

from .conftest import OSLO, read
from .plain_reckoning import is_holiday

FOLDER = os.environ.get("HAN2X_COLLECTION", "")
FILES = sorted(Path(FOLDER).glob("*.yml")) if FOLDER else []
WEEK = ["mandag", "tirsdag", "onsdag", "torsdag", "fredag", "lørdag", "søndag"]
YEAR = ["januar", "februar", "mars", "april", "mai", "juni", "juli", "august", "september", "oktober"]
YEAR += ["november", "desember"]
CUSTOMERS = {"husholdning": "home", "fritid": "cabin", "liten_næring": "business"}


def charge(energy: dict[str, Any], moment: datetime) -> Fraction:
    """The energy charge, øre per kWh: the exception that holds, else the base price."""
    day = moment.date()
    name, weekend = WEEK[day.weekday()], day.weekday() > 4
    kinds = {name, "alle", "helg" if weekend else "ukedag"}
    kinds |= {"helligdager"} if is_holiday(day) else set()
    kinds.add("fridag" if weekend or is_holiday(day) else "virkedag")
    for one in energy.get("unntak") or []:
        first, last = map(int, str(one.get("timer", "0-23")).split("-"))
        at_hour = first <= moment.hour <= last if first <= last else not last < moment.hour < first
        in_month = YEAR[moment.month - 1] in one.get("måneder", YEAR)
        if at_hour and in_month and kinds & set(one.get("dager", ["alle"])):
            return Fraction(str(one["pris"]))
    return Fraction(str(energy["grunnpris"]))


def price(fixed: dict[str, Any], value: int) -> Fraction:
    """NOK a year for a mean of `value` W, or a fuse of so many A."""
    unit = 1 if fixed["metode"] == "OV_TREFASE" else 1000
    found = Fraction(0)
    for row in sorted(fixed["terskler"], key=lambda row: float(row["terskel"])):
        limit = Fraction(str(row["terskel"])) * unit
        if value > limit or (value == limit and (fixed["terskel_inkludert"] or limit == 0)):
            found = Fraction(str(row["pris"]))
    return found


@pytest.mark.skipif(not FILES, reason="HAN2X_COLLECTION names no folder with the collection's files")
def test_every_list_is_what_it_says_or_named() -> None:
    """Each list for each of its customers: charges of some days, prices at each limit and beside it."""
    counted: Counter[str] = Counter()
    for path in FILES:
        text = path.read_text("utf-8")
        company, theirs = convert.company(path.stem, ours.loads(text)), yaml.safe_load(text)
        left_out = {one.begins for one in company.omitted}
        for entry in theirs["tariffer"]:
            counted["lists"] += 1
            if entry["fastledd"]["metode"] == "UKJENT":
                counted["named"] += 1
                assert str(entry["gyldig_fra"]) in left_out
                continue
            for group in entry["kundegrupper"]:
                [table] = [
                    table
                    for table in company.tariffs.values()
                    if CUSTOMERS[group] in table["customers"]
                    and any(_same(period, entry) for period in table["periods"])
                ]
                compared(table, entry)
                counted["compared"] += 1
        assert company.count == len(theirs["tariffer"])
    print(dict(counted))
    assert counted["named"] == sum(1 for path in FILES if "UKJENT" in path.read_text("utf-8"))


def _same(period: dict[str, Any], entry: dict[str, Any]) -> bool:
    until = entry.get("gyldig_til")
    return str(period["from"]) == str(entry["gyldig_fra"]) and str(period.get("until")) == str(until)


def compared(table: dict[str, Any], entry: dict[str, Any]) -> None:
    """One list for one kind of customers."""
    tariff = read(tomllib.loads(write.text(table)))
    first = date.fromisoformat(str(entry["gyldig_fra"]))
    until = entry.get("gyldig_til")
    last = date.fromisoformat(str(until)) if until else first + timedelta(days=400)
    day = first
    while day < last:
        period = tariff.on(day)
        assert period
        assert period.begins == first
        for hour in range(24):
            moment = datetime(day.year, day.month, day.day, hour, tzinfo=OSLO)
            assert period.charge(moment) == charge(entry["energiledd"], moment) * 1000, (
                table["title"],
                moment,
            )
        day += timedelta(days=1)
    period = tariff.on(first)
    assert period
    if period.per_kw:  # a line: the collection has points of it
        steps = entry["fastledd"]["terskler"]
        assert all(
            period.base + period.per_kw * row["terskel"] == round(row["pris"] * 100_000) for row in steps
        )
        return
    now = int(datetime(first.year, first.month, first.day, 4, tzinfo=OSLO).timestamp())
    fuse = entry["fastledd"]["metode"] == "OV_TREFASE"
    weight = period.weights[first.month - 1]
    for row in entry["fastledd"]["terskler"]:
        limit = int(row["terskel"]) if fuse else round(row["terskel"] * 1000)
        for value in (limit - 1, limit, limit + 1):
            if value > 0:
                uses = [Use(now - 3600, value * 100 // weight)]
                found = capacity(tariff, uses, now_s=now, zone=OSLO, fuse_a=value)
                assert found
                assert found.price == round(price(entry["fastledd"], value) * 100_000 / 12), (
                    table["title"],
                    value,
                )
