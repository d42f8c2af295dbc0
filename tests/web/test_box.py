"""The box and its network over the API; the network itself is tested in `tests/board/test_network.py`."""

from typing import Any


def test_a_machine_without_lines_has_none(shared: Any) -> None:
    """Nothing is wired: null, but for a temperature where the machine has a sensor."""
    box = shared.owner().get("v1/box").json()
    box.pop("temperature")
    assert box == {"digital_input": None, "power_lamp": None, "han_lamp": None, "button": None}


def test_a_network_that_is_not_managed_is_said_to_be_none(shared: Any) -> None:
    """Nothing is known of a network that is left alone."""
    network = shared.owner().get("v1/network").json()
    assert (network["managed"], network["addresses"], network["rest_s"]) == (False, [], None)


def test_a_confirmation_must_come_from_the_new_address(shared: Any) -> None:
    """127.0.0.1 is no address of the managed interface; strangers may not even ask."""
    refused = shared.owner().post("v1/network/confirm", json={})
    assert (refused.status_code, refused.json()["error"]) == (409, "not_from_there")
    assert shared.owner().post("v1/network/undo", json={}).status_code == 204
    assert shared.anybody().post("v1/network/confirm", json={}).status_code == 401
