"""Who a meter or broker is: ids made of names, kept through every edit."""

from typing import Any

import pytest

from han2x.settings.amend import Refused, added, amend, from_table
from han2x.settings.identity import Remembered, identified, made_of
from han2x.settings.schema import Meter, Settings

HOUSE = Remembered("meters", "house", "House", "tcp:h:1")
CABIN = Remembered("meters", "cabin", "Cabin", "tcp:c:1")


@pytest.mark.parametrize(
    ("name", "taken", "id"),
    [
        ("main", (), "main"),
        ("cabin-2_b", (), "cabin-2_b"),
        ("Mitt Hus", (), "mitt-hus"),
        ("Hytta på Fjellet Ære", (), "hytta-pa-fjellet-aere"),
        ("房子", (), "meter"),
        ("房子", ("meter",), "meter-2"),
        ("Mitt Hus", ("mitt-hus", "mitt-hus-2"), "mitt-hus-3"),
        ("x" * 32, ("x" * 32,), "x" * 28 + "-2"),
    ],
)
def test_an_id_is_like_the_name(name: str, taken: tuple[str, ...], id: str) -> None:
    """A name that could be an id is one, as it was before there were ids; nobody else has it."""
    assert made_of(name, taken) == id


@pytest.mark.parametrize(
    ("rows", "ids"),
    [
        (
            [{"name": "House", "source": "tcp:h:1"}, {"name": "Cabin", "source": "tcp:c:1"}],
            ["house", "cabin"],
        ),
        (
            [{"name": "Cabin", "source": "tcp:c:1"}, {"name": "House", "source": "tcp:h:1"}],
            ["cabin", "house"],
        ),
        (
            [{"name": "Villa", "source": "tcp:h:1"}, {"name": "Cabin", "source": "tcp:c:1"}],
            ["house", "cabin"],
        ),
        (
            [{"name": "Cabin", "source": "tcp:h:1"}, {"name": "House", "source": "tcp:c:1"}],
            ["house", "cabin"],
        ),
        (
            [{"name": "House", "source": "tcp:n:1"}, {"name": "Cabin", "source": "tcp:c:1"}],
            ["house", "cabin"],
        ),
        ([{"id": "cabin", "name": "A"}, {"name": "House", "source": "tcp:h:1"}], ["cabin", "house"]),
        ([{"name": "Barn", "source": "tcp:b:1"}, {"name": "Cabin", "source": "tcp:c:1"}], ["barn", "cabin"]),
    ],
)
def test_rows_without_an_id_are_recognised(rows: list[dict[str, Any]], ids: list[str]) -> None:
    """Reordered, renamed, with names swapped or another source: each is who it was, and a new one is new."""
    found = identified({"meters": rows}, (HOUSE, CABIN))["meters"]
    assert [row["id"] for row in found] == ids


def test_the_only_meter_stays_who_it_is() -> None:
    """With another name and another source it is still the only one."""
    found = identified({"meters": [{"name": "New", "source": "tcp:x:1"}]}, (HOUSE,))
    assert found["meters"][0]["id"] == "house"


def test_an_id_is_not_changed() -> None:
    """A change of the id is refused with what to do instead; a change of the name leaves it."""
    refused = amend(Settings(), {"meters.0.id": "other"})
    assert isinstance(refused, Refused)
    assert "change the name instead" in str(refused)
    renamed = amend(Settings(), {"meters.0.name": "  Mitt Hus "})
    assert isinstance(renamed, Settings)
    assert (renamed.meters[0].id, renamed.meters[0].name) == ("main", "Mitt Hus")


def test_a_new_meter_is_nobody_that_was_there() -> None:
    """A meter that was removed keeps its id to itself, unless the id is given."""
    new = added(Settings(), "meters", {"name": "cabin", "unit_id": 2}, {"cabin"})
    same = added(Settings(), "meters", {"id": "cabin", "name": "cabin", "unit_id": 2}, {"cabin"})
    assert isinstance(new, Settings)
    assert isinstance(same, Settings)
    assert (new.meters[1].id, same.meters[1].id) == ("cabin-2", "cabin")


def test_two_of_one_id_are_refused_by_their_names() -> None:
    """A table that was copied with its id names both meters."""
    rows = [{"id": "x", "name": "House"}, {"id": "x", "name": "Cabin", "unit_id": 2}]
    refused = from_table({"meters": rows})
    assert isinstance(refused, Refused)
    assert 'id "x" is that of both "House" and "Cabin"' in str(refused)


def test_a_renamed_meter_equals_itself_but_for_the_name() -> None:
    """An id that is not given is made of the name once."""
    assert Meter(name="Mitt Hus").id == "mitt-hus"
