"""The service at a real Mosquitto, read by mosquitto_sub: what arrives, and what if the broker goes."""

import asyncio
import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from han2x.model.instant import Instant
from han2x.model.quantity import Quantity
from han2x.model.reading import ListType
from han2x.model.telegram import Telegram
from han2x.model.view import View
from han2x.mqtt.plan import Plan
from han2x.mqtt.topics import MANUAL
from han2x.runtime.gateway import Gateway
from han2x.runtime.message import Message
from han2x.settings.amend import from_table
from han2x.settings.schema import Settings

from ..ports import free_port
from .conftest import (
    MAIN_TOPIC,
    Authority,
    Listener,
    Mosquitto,
    everything,
    health,
    instant,
    play,
    poll,
    publishing,
    reading,
    settings,
    takes,
    until,
)

Start = Callable[..., Mosquitto]
Listen = Callable[..., Listener]


async def connected(gateway: Gateway, name: str = "mqtt") -> None:
    await until(lambda: health(gateway, name).startswith("ok"), "connected")


def latest_power(heard: Listener, main_topic: str) -> int | None:
    """The newest active power import that has arrived."""
    said = heard.payloads(f"{main_topic}/actPowPos")
    return int(json.loads(said[-1])["value"]) if said else None


def test_every_topic_arrives_in_order(mosquitto: Start, listen: Listen) -> None:
    """One telegram, and the manual's topics come from it together, under HAN2X_ and a number."""
    broker = mosquitto()
    heard = listen(broker)

    async def scene() -> None:
        async with publishing(settings(broker.port)) as gateway:
            await connected(gateway)
            gateway.received("main", everything())
            await until(lambda: any(line.topic.endswith("/voltL3") for line in heard.lines), "voltages")
            await until(lambda: any("/device/" in line.topic for line in heard.lines), "discovery")

    play(scene())
    main_topic = heard.lines[0].topic.partition("/")[0]
    assert MAIN_TOPIC.fullmatch(main_topic)
    names = [line.topic.removeprefix(f"{main_topic}/") for line in heard.lines]
    assert "digitalInput" in names  # which waits for no telegram
    wanted = [topic.name for topic in MANUAL if topic.name != "digitalInput"]
    first = names.index("obisListVersion")
    together = heard.lines[first : first + len(wanted)]
    assert [line.topic.removeprefix(f"{main_topic}/") for line in together] == wanted
    assert len({json.loads(line.payload)["dateTimeUtc"] for line in together}) == 1
    assert heard.payloads(f"{main_topic}/status") == ["online", "offline"]
    assert heard.payloads(f"{main_topic}/meter/status")[-2:] == ["online", "offline"]


@pytest.mark.parametrize("way", ["5", "3.1.1", "tls", "websockets"])
def test_a_stream_of_telegrams_arrives_whole_and_in_order(
    mosquitto: Start, listen: Listen, authority: Authority, way: str
) -> None:
    """However messages are packed: each payload is whole, none overtakes another, the last is there."""
    port, own = free_port(), dict[str, object]()
    lines = ["allow_anonymous true", f"listener {port} 127.0.0.1"]
    if way == "tls":
        lines += [f"certfile {authority.server}", f"keyfile {authority.server_key}"]
        own = {"tls": True, "ca_file": str(authority.ca)}
    elif way == "websockets":
        lines += ["protocol websockets"]
        own = {"transport": "websockets"}
    else:
        own = {"protocol": way}
    broker = mosquitto(*lines)
    poll(lambda: takes(port), "the second listener is up")
    heard = listen(broker)

    async def scene() -> None:
        async with publishing(settings(port, discovery="off", qos_energies=1, **own)) as gateway:
            await connected(gateway)
            topic = f"HAN2X_{gateway.number('main')}"
            for number in range(1, 301):
                gateway.received("main", everything(act_pow_pos=number, act_energy_pos=50_000 + number))
                await asyncio.sleep(0)
            await until(lambda: latest_power(heard, topic) == 300, "the last")
            await until(lambda: heard.payloads(f"{topic}/state") != [], "an object")
            for name in ("actPowPos", "actEnergyPos", "actEnergyPosEstimated"):
                values = [json.loads(text)["value"] for text in heard.payloads(f"{topic}/{name}")]
                assert len(values) > 10
                assert values == sorted(values)
            said = [json.loads(text) for text in heard.payloads(f"{topic}/state")]
            assert [one["act_pow_pos"] for one in said] == sorted(one["act_pow_pos"] for one in said)

    play(scene())


def test_what_the_broker_keeps(mosquitto: Start, listen: Listen) -> None:
    """Who subscribes later finds energies, identity, status and discovery, and no power."""
    broker = mosquitto()

    async def scene() -> None:
        async with publishing(settings(broker.port)) as gateway:
            await connected(gateway)
            early = listen(broker)
            gateway.received("main", everything())
            number = gateway.number("main")
            await until(lambda: any("/device/" in line.topic for line in early.lines), "all published")
            heard = listen(broker)
            await until(lambda: len([line for line in heard.lines if line.retained]) >= 14, "what was kept")
            kept = {line.topic.removeprefix(f"HAN2X_{number}/") for line in heard.lines if line.retained}
            assert kept >= {
                "status",
                "meter/status",
                "actEnergyPos",
                "meterId",
                "energy",
                "meter",
                "diagnostics",
            }
            assert f"homeassistant/device/han2x_{number}/config" in kept
            assert kept.isdisjoint({"actPowPos", "voltL1", "state", "actEnergyPosEstimated"})

    play(scene())


def test_the_number_and_the_announcement_are_kept(mosquitto: Start, listen: Listen, tmp_path: Path) -> None:
    """A restart has the same main topic, and announces the same to a broker that may be another."""
    broker = mosquitto()
    heard = listen(broker)
    numbers = []

    def announced() -> list[str]:
        return [line.payload for line in heard.lines if "/device/" in line.topic]

    async def scene(*telegrams: object) -> None:
        before = len(announced())
        async with publishing(settings(broker.port), tmp_path / "state") as gateway:
            await connected(gateway)
            for telegram in telegrams:
                gateway.received("main", telegram)  # type: ignore[arg-type]
            numbers.append(gateway.number("main"))
            await until(lambda: bool(heard.payloads(f"HAN2X_{numbers[0]}/actPowPos")), "power")
            await until(lambda: (tmp_path / "state" / "mqtt-main.json").exists(), "remembered")
            await until(lambda: len(announced()) > before, "announced")

    play(scene(everything()))
    play(scene(reading(ListType.FAST, act_pow_pos=7)))
    assert numbers[0] == numbers[1]
    assert announced() == announced()[:1] * 2


def test_discovery_is_taken_back(mosquitto: Start, listen: Listen, tmp_path: Path) -> None:
    """Turned off, under another prefix, or for a meter that is gone: what was announced is emptied."""
    broker = mosquitto()
    heard = listen(broker, "-t", "homeassistant/#", "-t", "ha/#")

    async def scene(messages: int, **more: object) -> None:
        async with publishing(settings(broker.port, **more), tmp_path) as gateway:
            await connected(gateway)
            gateway.received("main", everything())
            await until(lambda: len(heard.lines) >= messages, "announced")

    play(scene(1))
    play(scene(3, discovery_prefix="ha"))
    play(scene(4, discovery="off", discovery_prefix="ha"))
    said = [(line.topic.partition("/")[0], bool(line.payload)) for line in heard.lines]
    assert said == [("homeassistant", True), ("homeassistant", False), ("ha", True), ("ha", False)]


def test_home_assistants_birth_repeats_the_announcement(mosquitto: Start, listen: Listen) -> None:
    """When it comes up, device and values are said again; a birth that the broker has kept is not one."""
    broker = mosquitto()

    async def birth(retain: bool) -> None:
        words = ["mosquitto_pub", "-p", str(broker.port), "-t", "homeassistant/status", "-m", "online"]
        process = await asyncio.create_subprocess_exec(*words, *(["-r"] if retain else []))
        await process.wait()

    async def scene() -> None:
        await birth(True)
        heard = listen(broker)
        async with publishing(settings(broker.port)) as gateway:
            await connected(gateway)
            gateway.received("main", everything())
            main_topic = f"HAN2X_{gateway.number('main')}"

            def count(part: str) -> int:
                return len([line for line in heard.lines if part in line.topic])

            await until(
                lambda: count(f"{main_topic}/state") == 2, "the values once more, after the announcement"
            )
            assert count("/device/") == 1
            await birth(False)
            await until(lambda: count("/device/") == 2, "announced again")
            await until(lambda: count(f"{main_topic}/state") == 3, "said again")
            assert count(f"{main_topic}/actPowPos") == 1

    play(scene())


def test_a_broker_that_is_killed_and_comes_back(mosquitto: Start, listen: Listen) -> None:
    """While it is away nothing is kept for it; when it is back, the newest state goes out once."""
    port = free_port()
    broker = mosquitto(port=port)

    async def scene() -> None:
        async with publishing(settings(port)) as gateway:
            await connected(gateway)
            for watts in range(100):
                gateway.received("main", instant(act_pow_pos=watts))
            broker.stop()
            await until(lambda: health(gateway).startswith("failing"), "lost")
            for watts in range(100, 2000):
                gateway.received("main", instant(act_pow_pos=watts))
            broker.start()
            heard = listen(broker)
            main_topic = f"HAN2X_{gateway.number('main')}"
            await until(lambda: latest_power(heard, main_topic) is not None, "back", 30)
            await until(lambda: bool(heard.payloads(f"{main_topic}/meter/status")), "all of it")
            assert heard.payloads(f"{main_topic}/status")[-1] == "online"
            assert [json.loads(text)["value"] for text in heard.payloads(f"{main_topic}/actPowPos")] == [1999]

    play(scene())


def test_killed_while_it_publishes(mosquitto: Start, listen: Listen) -> None:
    """A broker that dies in the middle of many messages, again and again, ends with the newest value."""
    port = free_port()
    broker = mosquitto(port=port)

    async def scene() -> None:
        async with publishing(settings(port, qos_values=1)) as gateway:
            main_topic = f"HAN2X_{gateway.number('main')}"
            watts = 0
            for _ in range(3):
                await connected(gateway)
                for _ in range(50):
                    watts += 1
                    gateway.received("main", instant(act_pow_pos=watts))
                    await asyncio.sleep(0)
                broker.stop()
                broker.start()
                await until(lambda: health(gateway).startswith("failing"), "lost")
            heard = listen(broker)
            await until(lambda: latest_power(heard, main_topic) == watts, "the newest")

    play(scene())


def test_a_broker_that_is_frozen(mosquitto: Start, listen: Listen) -> None:
    """Telegrams go on at full speed and memory stays; when it thaws, the newest state is there."""
    broker = mosquitto()
    heard = listen(broker)

    async def scene() -> None:
        async with publishing(settings(broker.port, keepalive_s=3600)) as gateway:
            await connected(gateway)
            gateway.received("main", everything())
            main_topic = f"HAN2X_{gateway.number('main')}"
            await until(lambda: latest_power(heard, main_topic) == 1234, "the first")
            broker.send(signal.SIGSTOP)
            before = await _telegrams(gateway, 5_000)
            after = await _telegrams(gateway, 50_000)
            assert after - before < 100_000
            gateway.received("main", everything(act_pow_pos=4242))
            broker.send(signal.SIGCONT)
            await until(lambda: latest_power(heard, main_topic) == 4242, "the newest")

    play(scene())


async def _telegrams(gateway: Gateway, count: int) -> int:
    """Many telegrams, each with its turn of the loop; octets resident afterwards."""
    for number in range(count):
        gateway.received("main", instant(act_pow_pos=number % 10_000))
        await asyncio.sleep(0)
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def test_a_broker_that_stops_answering_is_given_up(mosquitto: Start) -> None:
    """After two silences of the keepalive the connection counts as lost, and is tried again."""
    broker = mosquitto()

    async def scene() -> None:
        async with publishing(settings(broker.port, keepalive_s=5)) as gateway:
            await connected(gateway)
            broker.send(signal.SIGSTOP)
            await until(lambda: health(gateway).startswith("failing"), "given up", 30)
            assert "has stopped answering" in health(gateway)
            broker.send(signal.SIGCONT)
            await until(lambda: health(gateway).startswith("ok"), "back", 30)

    play(scene())


def test_two_brokers(mosquitto: Start, listen: Listen) -> None:
    """Each has its own settings and its own health; one that is away does not matter to the other."""
    broker = mosquitto()
    heard = listen(broker)
    here = {"name": "here", "enabled": True, "host": "127.0.0.1", "port": broker.port}
    away = {"name": "away", "enabled": True, "host": "127.0.0.1", "port": free_port()}
    wanted = from_table({"mqtt": [here, away], "meters": [{"main_topic": "house/meter"}]})
    assert isinstance(wanted, Settings)

    async def scene() -> None:
        async with publishing(wanted) as gateway:
            await connected(gateway, "mqtt here")
            await until(lambda: health(gateway, "mqtt away").startswith("failing"), "refused")
            gateway.received("main", everything())
            await until(lambda: latest_power(heard, "house/meter") == 1234, "power")

    play(scene())


def test_several_meters(mosquitto: Start, listen: Listen) -> None:
    """Each has its main topic and its own device; the program's status is at the first."""
    broker = mosquitto()
    heard = listen(broker)
    wanted = from_table(
        {
            "meters": [
                {"name": "a", "main_topic": "A"},
                {"name": "b", "main_topic": "B", "unit_id": 2},
            ],
            "mqtt": [{"enabled": True, "host": "127.0.0.1", "port": broker.port}],
        }
    )
    assert isinstance(wanted, Settings)

    async def scene() -> None:
        async with publishing(wanted) as gateway:
            await connected(gateway)
            gateway.received("a", everything(act_pow_pos=1))
            gateway.received("b", everything(act_pow_pos=2))
            await until(lambda: latest_power(heard, "B") == 2, "the second")
            await until(lambda: latest_power(heard, "A") == 1, "the first")
            await until(lambda: len([1 for line in heard.lines if "/device/" in line.topic]) == 2, "devices")

    play(scene())
    configs = [json.loads(line.payload) for line in heard.lines if "/device/" in line.topic]
    assert {config["device"]["name"] for config in configs} == {"Electricity meter a", "Electricity meter b"}
    assert {config["availability"][0]["topic"] for config in configs} == {"A/status"}
    assert heard.payloads("B/status") == []


def test_telegrams_as_they_came(mosquitto: Start, listen: Listen) -> None:
    """Off by default; as hex text or as octets for other programs."""
    broker = mosquitto()
    octets = bytes.fromhex("7ea0")
    said = {}
    for raw in ("off", "hex", "binary"):
        topics = ("+/telegram", "+/meter/status", "+/actPowPos")
        heard = listen(broker, *(word for topic in topics for word in ("-t", topic)), "-F", "%r %q %t %x")

        async def scene(raw: str = raw, heard: Listener = heard) -> None:
            async with publishing(settings(broker.port, raw=raw)) as gateway:
                await connected(gateway)
                await until(lambda: any("meter/status" in line.topic for line in heard.lines), "followed")
                gateway.telegram("main").set(Telegram(Instant(0, 0), octets, None, "unknown"))
                gateway.received("main", instant())
                await until(lambda: any("actPowPos" in line.topic for line in heard.lines), "power")

        play(scene())
        said[raw] = [line.payload for line in heard.lines if line.topic.endswith("/telegram")]
    assert said == {"off": [], "hex": [b"7ea0".hex()], "binary": ["7ea0"]}


def test_the_scale_factor_is_in_the_next_message(mosquitto: Start, listen: Listen) -> None:
    """A change of the factor needs no restart of the service."""
    broker = mosquitto()
    heard = listen(broker)

    async def scene() -> None:
        async with publishing(settings(broker.port)) as gateway:
            await connected(gateway)
            gateway.received("main", everything())
            main_topic = f"HAN2X_{gateway.number('main')}"
            await until(lambda: latest_power(heard, main_topic) == 1234, "power")
            assert gateway.amend({"meters.0.scale": 2000}) is None
            gateway.received("main", everything())
            await until(lambda: latest_power(heard, main_topic) == 2468, "scaled")
            assert heard.payloads(f"{main_topic}/status") == ["online"]

    play(scene())


def test_a_setting_is_in_use_within_ten_seconds(mosquitto: Start, listen: Listen) -> None:
    """A new main topic, and then off: the service follows without a restart of the program (row M42)."""
    broker = mosquitto()
    heard = listen(broker)

    async def scene() -> None:
        async with publishing(settings(broker.port)) as gateway:
            await connected(gateway)
            gateway.received("main", everything())
            began = time.monotonic()
            assert gateway.amend({"meters.0.main_topic": "house"}) is None
            await until(lambda: latest_power(heard, "house") == 1234, "the new topic")
            assert gateway.amend({"mqtt.0.enabled": False}) is None
            await until(lambda: "mqtt" not in gateway.health.value, "off")
            assert time.monotonic() - began < 10
            await until(lambda: heard.payloads("house/status") == ["online", "offline"], "the goodbye")

    play(scene())


def test_what_goes_wrong_in_publishing_is_not_the_meters_trouble(
    mosquitto: Start, listen: Listen, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A telegram is published in the turn that brings it; a fault there restarts that service, no other."""
    broker = mosquitto()
    heard = listen(broker)
    parts = Plan.parts

    def broken(plan: Plan, view: View, now: Instant) -> Iterator[list[Message]]:
        if view.values.get(Quantity.ACT_POW_POS) == 13:
            raise ZeroDivisionError
        return parts(plan, view, now)

    monkeypatch.setattr(Plan, "parts", broken)

    async def scene() -> None:
        async with publishing(settings(broker.port, discovery="off")) as gateway:
            await connected(gateway)
            gateway.received("main", instant(act_pow_pos=13))
            await until(lambda: "internal error: ZeroDivisionError()" in health(gateway), "said so")
            assert gateway.snapshot("main").value.values[Quantity.ACT_POW_POS] == 13
            gateway.received("main", instant(act_pow_pos=14))
            topic = f"HAN2X_{gateway.number('main')}"
            await until(lambda: latest_power(heard, topic) == 14, "published again")

    play(scene())


def test_spot_prices_come_from_a_topic(mosquitto: Start) -> None:
    """They are the accounts' as a file's would be; what is no list of prices is refused, nothing more."""
    broker = mosquitto()
    rows = [{"start": "2026-11-26T12:00:00+01:00", "price": 1.25, "minutes": 60}]
    noon = int(datetime(2026, 11, 26, 11, tzinfo=UTC).timestamp())

    async def publish(text: str, *more: str) -> None:
        words = ["mosquitto_pub", "-p", str(broker.port), "-t", "prices/no1", "-m", text, *more]
        await (await asyncio.create_subprocess_exec(*words)).wait()

    async def scene() -> None:
        async with publishing(settings(broker.port, prices_topic="prices/no1", discovery="off")) as gateway:
            await connected(gateway)
            await until(lambda: "Sending SUBACK" in broker.log.read_text(), "subscribed")
            for text in ("nonsense", "[1]", json.dumps([{"start": "noon", "price": 1}])):
                await publish(text)
            await until(lambda: "; prices from prices/no1 are refused: " in health(gateway), "said")
            await publish("9" * 100_000)
            await until(lambda: "1 message was refused, the last on 'prices/no1': " in health(gateway), "too")
            await publish(json.dumps(rows))
            await until(lambda: gateway.accounts.prices.value is not None, "prices")
            assert gateway.accounts.prices.value is not None
            found = gateway.accounts.prices.value.at(noon)
            assert found is not None
            assert found.price == 125_000  # 1.25 NOK
            assert health(gateway).startswith("ok")
            await until(lambda: "prices from" not in health(gateway), "good prices end it")

    play(scene())
