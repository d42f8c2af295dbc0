"""Long answers: each kind has its own places, the owner's are apart from tokens', and all come back."""

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import pytest

from han2x.web.client_address import client_of
from han2x.web.endpoint import Access, Caller, Refusal
from han2x.web.long_answers import Kind, LongAnswers

CLIENT = client_of("10.0.0.1", [], (), "1.1")
OWNER = Caller(Access.OWNER, CLIENT, "10.0.0.1", session="secret")


def token(name: str) -> Caller:
    return Caller(Access.READ, CLIENT, "10.0.0.1", token=name, name=name)


def taken(answers: LongAnswers, kind: Kind, caller: Caller) -> list[Callable[[], None]]:
    """All places there are for a caller."""
    places = []
    for _ in range(500):
        try:
            places.append(answers.take(kind, caller))
        except Refusal:
            return places
    pytest.fail("there is no end to them")


@pytest.mark.parametrize("kind", Kind)
def test_each_kind_has_its_places(kind: Kind) -> None:
    """One token has its own few, all tokens so many, the owner as many again; other kinds are free."""
    answers, share = LongAnswers(), kind.value
    assert len(taken(answers, kind, token("a"))) == share.each
    rest = sum(len(taken(answers, kind, token(f"t{n}"))) for n in range(100))
    assert rest == share.most - share.each
    assert len(taken(answers, kind, OWNER)) == share.most
    for other in set(Kind) - {kind}:
        answers.take(other, token("a"))
        answers.take(other, OWNER)


def test_a_place_that_was_given_back_can_be_taken() -> None:
    """As often as one likes."""
    answers = LongAnswers()
    for _ in range(1000):
        for give_back in taken(answers, Kind.HISTORY, token("a")) + taken(answers, Kind.HISTORY, OWNER):
            give_back()


def test_captures_of_tokens_hold_up_neither_history_nor_the_owner(shared: Any) -> None:
    """With every capture that tokens may have, history answers the token and captures answer the owner."""
    owner = shared.owner()
    made = [owner.post("v1/tokens", json={"name": f"t{n}", "scope": "read"}).json() for n in range(3)]
    readers = [shared.anybody(Authorization=f"Bearer {one['token']}") for one in made]
    with ExitStack() as stack:
        codes = []
        for reader in readers:
            for _ in range(3):
                answer = stack.enter_context(reader.stream("GET", "v1/meters/main/capture?seconds=60"))
                codes.append(answer.status_code)
        assert codes == [200, 200, 503] * 2 + [503] * 3
        assert (
            stack.enter_context(owner.stream("GET", "v1/meters/main/capture?seconds=60")).status_code == 200
        )
        assert readers[0].get("v1/history/main").status_code == 200
    for one in made:
        owner.delete(f"v1/tokens/{one['id']}")
    for browser in (owner, *readers):
        browser.close()
