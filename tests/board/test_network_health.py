"""What is said of a network, for every state that one can be in."""

import itertools

import pytest

from han2x.board.manager import stage_of
from han2x.board.network import health
from han2x.model.network import NetworkState, Stage
from han2x.runtime.health import Condition

ADDRESS = "192.168.1.232/24"

SAID = [
    # stage, addresses, fallback, DHCP wanted: condition, sentence
    (Stage.COMING_UP, (), False, True, Condition.STARTING, "lan0 is getting its address"),
    (Stage.COMING_UP, (), False, False, Condition.STARTING, "lan0 is getting its address"),
    (Stage.UNPLUGGED, (), False, True, Condition.FAILING, "lan0 has no address: is its cable in?"),
    (Stage.DOWN, (), False, True, Condition.FAILING, "lan0 has no address: NetworkManager has given it none"),
    (Stage.UP, (), False, True, Condition.FAILING, "lan0 has no address: NetworkManager has given it none"),
    (Stage.UP, (ADDRESS,), False, True, Condition.OK, f"lan0: {ADDRESS}"),
    (Stage.UP, (ADDRESS, "10.0.0.2/8"), False, False, Condition.OK, f"lan0: {ADDRESS}, 10.0.0.2/8"),
    (Stage.UP, (ADDRESS,), True, False, Condition.OK, f"lan0: {ADDRESS}"),
    (
        Stage.UP,
        (ADDRESS,),
        True,
        True,
        Condition.FAILING,
        f"DHCP has given no address; {ADDRESS} is used, and DHCP asked again",
    ),
]


@pytest.mark.parametrize(("stage", "addresses", "fallback", "dhcp", "condition", "text"), SAID)
def test_said(
    stage: Stage, addresses: tuple[str, ...], fallback: bool, dhcp: bool, condition: Condition, text: str
) -> None:
    state = NetworkState(interface="lan0", stage=stage, addresses=addresses, fallback=fallback)
    assert health(state, dhcp=dhcp) == (condition, text)


def test_no_sentence_has_an_empty_place() -> None:
    """Whatever a state claims, an address is said to be used only where there is one."""
    for stage, fallback, dhcp in itertools.product(Stage, (False, True), (False, True)):
        _, text = health(NetworkState(interface="lan0", stage=stage, fallback=fallback), dhcp=dhcp)
        assert "  " not in text
        assert "used" not in text


def test_stages() -> None:
    """NetworkManager's device states, by its D-Bus reference: NMDeviceState."""
    assert {stage_of(state) for state in (0, 10, 20)} == {Stage.UNPLUGGED}
    assert stage_of(30) is Stage.DOWN
    assert {stage_of(state) for state in (40, 50, 60, 70, 80, 90, 110, 120)} == {Stage.COMING_UP}
    assert stage_of(100) is Stage.UP
