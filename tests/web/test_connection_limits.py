"""Who gets a place and who makes room: nobody takes all from the owner, with however many addresses."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from han2x.web.connection_limits import KEPT, TOTAL, ConnectionLimits


class Client:
    """A connection that was let in, or not."""

    def __init__(
        self, limits: ConnectionLimits, host: str, *, idle: bool = True, known: bool = False
    ) -> None:
        self.limits, self.idle, self.known = limits, idle, known
        self.inside = limits.enter(host, self)

    def give_up(self) -> None:
        self.limits.leave(self)
        self.inside = False


def count(clients: list[Client]) -> int:
    return sum(client.inside for client in clients)


def limits(allow: str = "", **more: int) -> ConnectionLimits:
    return ConnectionLimits(lambda: allow, **more)


NETWORKS = {
    "one address": (lambda n: "10.0.0.1", 96),
    "one address, carried by IPv6": (lambda n: "::ffff:10.0.0.1" if n % 2 else "10.0.0.1", 96),
    "a /24": (lambda n: f"10.0.0.{n % 256}", 128),
    "a /64": (lambda n: f"2001:db8:1:2::{n:x}", 96),
    "a /64, by zone": (lambda n: f"fe80::{n:x}%eth0", 96),
    "a /56": (lambda n: f"2001:db8:1:{n % 256:x}::1", 112),
    "a /48": (lambda n: f"2001:db8:1:{n * 64:x}::1", 128),
    "all networks": (lambda n: f"10.{n % 250}.{n // 250}.1", TOTAL - KEPT),
    "this machine": (lambda n: "127.0.0.1", 96),
    "this machine by IPv6": (lambda n: "::1", 96),
}


@pytest.mark.parametrize(("host", "most"), NETWORKS.values(), ids=NETWORKS)
@pytest.mark.parametrize("idle", [True, False])
def test_a_network_has_its_share_and_the_newest_of_it(host: Any, most: int, idle: bool) -> None:
    """Of a thousand of a network so many stay, those that came last; strangers from elsewhere find room."""
    place = limits()
    clients = [Client(place, host(n), idle=idle) for n in range(1000)]
    assert count(clients) == most
    assert all(client.inside for client in clients[-most:])
    assert Client(place, "192.0.2.1").inside
    assert place.refused == 1000 - most + (most == TOTAL - KEPT)


def test_who_waits_makes_room_before_who_is_answered() -> None:
    """An answer that is being sent is ended only when nobody waits."""
    place = limits(total=3, kept=0)
    busy, idle = Client(place, "10.0.0.1", idle=False), Client(place, "10.0.1.1")
    newer = Client(place, "10.0.2.1")
    assert Client(place, "10.0.3.1").inside
    assert (busy.inside, idle.inside, newer.inside) == (True, False, True)


def test_who_has_shown_a_log_in_is_not_made_to_leave() -> None:
    """The owner's connections outlive any flood, also one from the same address."""
    place = limits()
    owner = Client(place, "10.0.0.1", known=True)
    flood = [Client(place, "10.0.0.1") for _ in range(500)]
    flood += [Client(place, f"10.{n}.0.1") for n in range(250)]
    assert owner.inside
    assert count(flood) == TOTAL - KEPT - 1


def test_places_are_kept_for_who_has_logged_in_and_for_this_machine() -> None:
    """Where tokens have taken all that is to be had, the owner's address and this machine come in."""
    place = limits()
    place.logged_in("::ffff:192.0.2.7")
    taken = [Client(place, f"10.{n}.0.1", known=True) for n in range(250)]
    assert count(taken) == TOTAL - KEPT
    assert not Client(place, "192.0.2.8").inside
    assert Client(place, "192.0.2.7").inside
    assert Client(place, "127.0.0.1").inside
    assert Client(place, "::1").inside


def test_only_allowed_networks_come_in_as_the_setting_has_them_now() -> None:
    """A change of the setting counts for who comes next."""
    allow = ["10.0.0.0/24"]
    place = ConnectionLimits(lambda: allow[0])
    assert [Client(place, host).inside for host in ("10.0.0.5", "::ffff:10.0.0.5", "10.0.1.5")] == [
        True,
        True,
        False,
    ]
    allow[0] = "10.0.1.0/24"
    assert [Client(place, host).inside for host in ("10.0.0.5", "10.0.1.5")] == [False, True]


def _hosts() -> Iterator[str]:
    yield from (
        "10.0.0.1",
        "10.0.0.2",
        "10.0.1.1",
        "127.0.0.1",
        "::1",
        "2001:db8::1",
        "2001:db8::2",
        "nonsense",
        "",
    )


@given(
    st.lists(
        st.tuples(st.sampled_from(list(_hosts())), st.booleans(), st.booleans(), st.integers(0, 9)),
        max_size=80,
    )
)
def test_whatever_comes_and_goes_nothing_is_left_over(steps: list[tuple[str, bool, bool, int]]) -> None:
    """Counts hold what is inside, never more than there is, and nothing when all have left."""
    place = limits(total=12, kept=4)
    clients: list[Client] = []
    for host, idle, known, leaves in steps:
        clients.append(Client(place, host, idle=idle, known=known))
        for client in clients[:leaves]:
            client.give_up()
        assert place.inside == count(clients) <= 12
    for client in clients:
        client.give_up()
    assert place.inside == 0
    assert not place._counts
