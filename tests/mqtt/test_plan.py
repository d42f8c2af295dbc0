"""When a topic is due: on change and every ten minutes, with every telegram, or at an interval (row M31)."""

from zoneinfo import ZoneInfo

import pytest

from han2x.model.instant import Instant
from han2x.model.quantity import BESIDES
from han2x.model.reading import ListType, Reading
from han2x.model.state import EMPTY, Snapshot, fold
from han2x.model.view import view
from han2x.mqtt.objects import CAPACITY, COST, PRICES
from han2x.mqtt.plan import TOPICS, Plan
from han2x.mqtt.topics import MORE
from han2x.runtime.message import Message
from han2x.settings.broker import Mqtt

from .conftest import everything, instant, reading

START = Instant(unix_ms=1_795_600_810_000, mono_ms=5_000)


class Meter:
    """A meter that sends, and what is published of it at each moment."""

    def __init__(self, **broker: object) -> None:
        self.plan = Plan(Mqtt(**broker), "T", ZoneInfo("Europe/Oslo"))  # type: ignore[arg-type]
        self.snapshot: Snapshot = EMPTY

    def messages(self, at_s: float, *sent: Reading) -> list[Message]:
        now = START.plus_ms(int(at_s * 1000))
        for one in sent:
            self.snapshot = fold(self.snapshot, one, now)
        return self.plan.due(view(self.snapshot, scale=1000, now=now, uptime_s=0), now)

    def topics(self, at_s: float, *sent: Reading) -> set[str]:
        return {message.topic.removeprefix("T/") for message in self.messages(at_s, *sent)}

    def wait_s(self, at_s: float) -> float:
        now = START.plus_ms(int(at_s * 1000))
        return self.plan.wait_ms(view(self.snapshot, scale=1000, now=now, uptime_s=0), now) / 1000


def test_everything_once_and_in_order() -> None:
    """The first time all topics are due, in the order of the table; what is not sent has no message."""
    silent = {CAPACITY, COST, PRICES, *(topic.name for topic in MORE[-len(BESIDES) :])}
    first = [message.topic for message in Meter().messages(0, everything())]
    assert first == [f"T/{topic.name}" for topic in TOPICS if topic.name not in silent]


def test_only_what_changed() -> None:
    """A telegram with the same values is no news; one with another voltage is one topic and the object."""
    meter = Meter()
    meter.messages(0, everything(act_pow_pos=0, react_pow_pos=0))
    assert meter.topics(10, instant(act_pow_pos=0, react_pow_pos=0)) == set()
    assert meter.topics(20, instant(act_pow_pos=0, react_pow_pos=0, volt_l1=230_000)) == {"voltL1", "state"}


def test_what_stays_the_same_is_repeated_after_ten_minutes() -> None:
    """Each topic by its own clock, if its value is still being measured."""
    meter = Meter()
    meter.messages(0, everything(act_pow_pos=0, react_pow_pos=0))
    said: dict[str, list[int]] = {}
    for at_s in range(10, 1300, 10):
        volt = 230_000 if at_s == 300 else 233_600
        for topic in meter.topics(at_s, instant(act_pow_pos=0, react_pow_pos=0, volt_l1=volt)):
            said.setdefault(topic, []).append(at_s)
    assert said["currL1"] == said["actEnergyPos"] == said["meterId"] == said["meter/status"] == [600, 1200]
    assert said["voltL1"] == [300, 310, 910]
    assert said["state"][:3] == [20, 40, 60]
    assert said["diagnostics"][:3] == [60, 120, 180]


def test_a_silent_meter_is_not_repeated() -> None:
    """What nobody measures is not said again; that the meter is silent is, and what it once registered."""
    meter = Meter()
    meter.messages(0, everything())
    assert meter.wait_s(0) == 10
    meter.messages(20)
    assert meter.wait_s(25) == pytest.approx(5.001)
    assert meter.topics(30.001) >= {"meter/status", "state", "diagnostics"}
    later = meter.topics(700)
    assert later >= {"actEnergyPos", "actEnergyPosEstimated", "meterId", "meter/status"}
    assert later.isdisjoint({"actPowPos", "voltL1", "currL1", "actPowNet"})


def test_the_same_value_after_a_silence_is_news() -> None:
    """When the meter comes back, every value is said, changed or not."""
    meter = Meter()
    meter.messages(0, everything())
    meter.messages(40)
    assert meter.topics(60, instant()) >= {"voltL1", "currL1", "actPowPos", "meter/status", "state"}


def test_with_every_telegram() -> None:
    """Each value that a telegram carries, changed or not; what it does not carry is left alone."""
    meter = Meter(publish="every_telegram")
    meter.messages(0, everything())
    again = meter.topics(10, instant())
    assert again >= {"voltL1", "currL1", "actPowPos", "state", "meterId"}
    assert again.isdisjoint({"actEnergyPos", "energy"})
    fast = meter.topics(12, reading(ListType.FAST, act_pow_pos=1234))
    assert fast >= {"actPowPos", "actPowNet", "state"}
    assert fast.isdisjoint({"voltL1", "currL1", "actPowNeg"})
    assert meter.topics(13) == set()


def test_at_an_interval() -> None:
    """Everything known every thirty seconds, changed or not, and nothing between."""
    meter = Meter(publish="interval", interval_s=30)
    meter.messages(0, everything())
    assert meter.topics(10, instant(volt_l1=1000)) == set()
    meter.messages(20, instant())
    assert meter.topics(30, instant()) >= {"voltL1", "actEnergyPos", "meterId", "state"}
    assert meter.topics(40, instant()) == set()


def test_a_shorter_heartbeat_holds_for_all() -> None:
    """`heartbeat_s` is the longest that any topic stays unsaid."""
    meter = Meter(heartbeat_s=15)
    meter.messages(0, everything())
    assert meter.topics(15, instant()) >= {"voltL1", "actEnergyPos", "state", "diagnostics", "meter/status"}


def test_what_the_broker_keeps_and_how_surely_it_arrives() -> None:
    """Values: QoS 0 and not kept; energies and identity: QoS 1 and kept; status always so."""
    manners = {message.topic.removeprefix("T/"): message[2:] for message in Meter().messages(0, everything())}
    assert {manners[name] for name in ("actPowPos", "voltL1", "state", "actEnergyPosEstimated")} == {
        (0, False)
    }
    assert {manners[name] for name in ("actEnergyPos", "meterId", "energy", "meter")} == {(1, True)}
    assert {manners[name] for name in ("meter/status", "diagnostics", "digitalInput")} == {(1, True)}
    other = Meter(retain_values=True, qos_values=2, retain_energies=False, qos_energies=0)
    manners = {message.topic.removeprefix("T/"): message[2:] for message in other.messages(0, everything())}
    assert manners["voltL1"] == (2, True)
    assert manners["actEnergyPos"] == (0, False)
    assert manners["meter/status"] == (1, True)


def test_a_machine_clock_that_jumps_is_no_telegram() -> None:
    """Setting the machine's clock by less than half a second publishes nothing."""
    meter = Meter(publish="every_telegram")
    meter.messages(0, everything())
    now = Instant(START.unix_ms + 1400, START.mono_ms + 1000)
    assert meter.plan.due(view(meter.snapshot, scale=1000, now=now, uptime_s=0), now) == []
