"""What waits to be taken: nothing is dropped, newest wins only where that was asked for."""

from hypothesis import given
from hypothesis import strategies as some

from han2x.runtime.inbox import ROOM, ROOM_OCTETS, Inbox, Keep, Mail

MAIL = some.builds(
    Mail, some.sampled_from(["a/x", "a/y", "b", "c"]), some.binary(max_size=3), some.integers()
)


@given(some.lists(MAIL, max_size=2000))
def test_all_are_kept_in_their_order(sent: list[Mail]) -> None:
    """However many are put in, each comes out, in order; one at a time or together."""
    inbox = Inbox()
    inbox.keep("$share/group/a/#", Keep.ALL)
    for mail in sent:
        inbox.put(mail)
    assert [inbox.take() for _ in sent[::2]] + inbox.take_all() == sent
    assert not inbox
    assert inbox.replaced == 0


@given(some.lists(MAIL, max_size=50))
def test_the_newest_of_each_topic(sent: list[Mail]) -> None:
    """Of a topic that keeps the newest the last waits; of others all do. Worked out by sieving."""
    inbox = Inbox()
    inbox.keep("a/+", Keep.NEWEST)
    for mail in sent:
        inbox.put(mail)
    last = {mail.topic: index for index, mail in enumerate(sent)}
    wanted = [m for index, m in enumerate(sent) if m.topic in ("b", "c") or last[m.topic] == index]
    assert inbox.take_all() == wanted
    assert inbox.replaced == len(sent) - len(wanted)
    assert not inbox.full


def test_full_by_number_and_by_size() -> None:
    """No more is to be read at so many messages or octets, and again when one is taken."""
    for payload, room in ((b"", ROOM), (bytes(ROOM_OCTETS // 4), 4)):
        inbox = Inbox()
        for _ in range(room):
            assert not inbox.full
            inbox.put(Mail("t", payload, 0))
        assert inbox.full
        inbox.take()
        states = [inbox.full]
        inbox.put(Mail("t", payload, 0))
        states.append(inbox.full)
        inbox.take_all()
        assert [*states, inbox.full] == [False, True, False]


def test_what_takes_another_s_place_takes_no_more_room() -> None:
    """A topic of which the newest is kept never fills an inbox, whatever it is sent."""
    inbox = Inbox()
    inbox.keep("t", Keep.NEWEST)
    for size in range(0, ROOM_OCTETS, 10_000):
        inbox.put(Mail("t", bytes(size), 0))
        assert not inbox.full
    assert len(inbox) == 1
