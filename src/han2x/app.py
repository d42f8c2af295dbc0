"""All there is: the table of services, and the one place that asks what time it is."""

import asyncio
import contextlib
import gc
import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from .model.instant import Instant
from .runtime import recovery
from .runtime.audit import Act, did
from .runtime.factory_reset import complaint, erase, factory
from .runtime.gateway import Gateway, Reset, Trouble
from .runtime.identities import set_damaged_aside
from .runtime.outbox import POSTGRES, history_target
from .runtime.recovery import SettingsFile
from .runtime.service import Service, keep
from .runtime.stored_files import remove_temporaries
from .settings.amend import Refused
from .settings.broker import Mqtt
from .settings.device import Announced, Watched
from .settings.networks import parse_networks, within
from .settings.schema import (
    Archive,
    Collecting,
    Intake,
    Meter,
    Page,
    Publishing,
    Settings,
    TariffFiles,
    TariffUpdates,
)
from .settings.source import MqttSource, parse_source

log = logging.getLogger("han2x")


def _modbus_tcp(settings: Settings) -> Mapping[str, object]:
    return {"modbus tcp": settings.modbus_tcp} if settings.modbus_tcp.enabled else {}


def _modbus_rtu(settings: Settings) -> Mapping[str, object]:
    return {"modbus rtu": settings.modbus_rtu} if settings.modbus_rtu.enabled else {}


def _modbus_rtu_tcp(settings: Settings) -> Mapping[str, object]:
    return {"modbus rtu over tcp": settings.modbus_rtu_tcp} if settings.modbus_rtu_tcp.enabled else {}


def _modbus_tls(settings: Settings) -> Mapping[str, object]:
    return {"modbus tls": settings.modbus_tls} if settings.modbus_tls.enabled else {}


def _meters(settings: Settings) -> Mapping[str, object]:
    return {f"meter {meter.id}": _intake(meter, settings) for meter in settings.meters}


def _intake(meter: Meter, settings: Settings) -> Intake:
    source = parse_source(meter.source)
    name = source.broker if isinstance(source, MqttSource) else ""
    return Intake(
        id=meter.id,
        source=meter.source,
        broker=_broker(name, settings),
        key=meter.key,
        auth_key=meter.auth_key,
        unchecked=meter.unchecked,
        kamstrup_energy_wh=meter.kamstrup_energy_wh,
        lists=settings.lists,
    )


def _broker(id: str, settings: Settings) -> Mqtt | None:
    found = next((broker for broker in settings.mqtt if broker.id == id), None)
    return found and _unlabelled(found)


def _unlabelled(broker: Mqtt) -> Mqtt:
    """A broker as connections depend on it: whatever people call it, it is the same."""
    return replace(broker, name=broker.id)


def _mqtt(settings: Settings) -> Mapping[str, object]:
    meters = tuple((meter.id, meter.main_topic) for meter in settings.meters)
    zone = settings.site.time_zone
    brokers = [broker for broker in settings.mqtt if broker.enabled]
    return {
        broker.service: Publishing(broker=_unlabelled(broker), meters=meters, time_zone=zone)
        for broker in brokers
    }


def _tariffs(settings: Settings) -> Mapping[str, object]:
    names = tuple(sorted({meter.tariff for meter in settings.meters if meter.tariff}))
    files = TariffFiles(folder=settings.tariffs.folder, names=names, tax_zone=settings.prices.tax_zone)
    return {"tariffs": files} if names or settings.prices.enabled else {}


def _tariff_updates(settings: Settings) -> Mapping[str, object]:
    chosen = settings.tariffs
    updates = TariffUpdates(
        address=chosen.update,
        levies=chosen.update_levies,
        names=tuple(sorted({meter.tariff for meter in settings.meters if meter.tariff})),
        tax_zone=settings.prices.tax_zone,
    )
    return {"tariff updates": updates} if chosen.update or chosen.update_levies else {}


def _prices(settings: Settings) -> Mapping[str, object]:
    return {"prices": settings.prices} if settings.prices.enabled else {}


def _history(settings: Settings) -> Mapping[str, object]:
    names = tuple(meter.id for meter in settings.meters)
    zone = settings.site.time_zone
    archive = Archive(
        history=settings.history, meters=names, time_zone=zone, targets=tuple(_targets(settings))
    )
    return {"history": archive} if settings.history.enabled else {}


def _targets(settings: Settings) -> Iterator[tuple[str, str]]:
    """Who takes the history over, and what of it."""
    if settings.postgres.enabled:
        yield POSTGRES, settings.postgres.history
    for broker in settings.mqtt:
        if broker.enabled and broker.history != "off":
            yield history_target(broker), broker.history


def _postgres(settings: Settings) -> Mapping[str, object]:
    return {POSTGRES: settings.postgres} if settings.postgres.enabled else {}


def collecting(settings: Settings) -> Collecting:
    """What a worker of a fleet depends on."""
    broker = _broker(settings.collect.broker, settings)
    return Collecting(collect=settings.collect, postgres=settings.postgres, broker=broker)


def _collect(settings: Settings) -> Mapping[str, object]:
    return {"collect": collecting(settings)}


def _accounts(settings: Settings) -> Mapping[str, object]:
    wanted = _tariffs(settings) and _history(settings)
    return {"accounts": wanted["history"]} if wanted else {}


def _board(settings: Settings) -> Mapping[str, object]:
    return {"board": settings.board} if settings.board.enabled else {}


def _network(settings: Settings) -> Mapping[str, object]:
    return {"network": settings.network} if settings.network.manage else {}


def _announce(settings: Settings) -> Mapping[str, object]:
    if not settings.announce.enabled:
        return {}
    modbus = settings.modbus_tcp
    announced = Announced(
        announce=settings.announce,
        meter=settings.meters[0].id,
        modbus_port=modbus.port if modbus.enabled else 0,
        web_port=settings.web.port if settings.web.enabled else 0,
    )
    return {"announce": announced}


def _watchdog(settings: Settings) -> Mapping[str, object]:
    """Only where the service manager has asked for it; a server that turns this machine away is not asked."""
    modbus = settings.modbus_tcp
    networks = parse_networks(modbus.allow)
    port = modbus.port if modbus.enabled and (not networks or within("127.0.0.1", networks)) else 0
    watched = Watched(server=next(iter(_modbus_tcp(settings)), ""), host=modbus.host, port=port)
    return {"watchdog": watched} if os.environ.get("NOTIFY_SOCKET") else {}


def _web(settings: Settings) -> Mapping[str, object]:
    web = settings.web
    page = Page(host=web.host, port=web.port, tls=web.tls, cert_file=web.cert_file, key_file=web.key_file)
    return {"web": page} if web.enabled else {}


SWITCH_S = 0.0005
"""How long a thread may hold up the loop before it hands over: Python's own is ten times as long."""

GARBAGE = 10_000
"""Objects that pile up before the collector looks for garbage; Python's 700 do with every 30th telegram."""


SERVICES: tuple[Service, ...] = (
    Service(_modbus_tcp, "han2x.modbus.tcp:run"),
    Service(_modbus_rtu, "han2x.modbus.line:run"),
    Service(_modbus_rtu_tcp, "han2x.modbus.rtu_tcp:run"),
    Service(_modbus_tls, "han2x.modbus.tls:run"),
    Service(_meters, "han2x.intake.service:run"),
    Service(_mqtt, "han2x.mqtt.service:run"),
    Service(_tariffs, "han2x.billing.tariffs:run"),
    Service(_tariff_updates, "han2x.billing.updates:run"),
    Service(_prices, "han2x.billing.prices:run"),
    Service(_history, "han2x.history.service:run"),
    Service(_accounts, "han2x.history.recall:run"),
    Service(_postgres, "han2x.postgres.service:run"),
    Service(_web, "han2x.web.service:run"),
    Service(_network, "han2x.board.network:run"),
    Service(_board, "han2x.board.service:run"),
    Service(_announce, "han2x.board.announce:run"),
    Service(_watchdog, "han2x.board.watchdog:run"),
)
"""In the order in which they start: the port first, so that it answers while the rest is loaded."""

COLLECTING: tuple[Service, ...] = (Service(_collect, "han2x.postgres.collect:run"),)
"""What runs instead in a worker of a fleet."""


def clock() -> Instant:
    """What time it is."""
    return Instant(time.time_ns() // 1_000_000, time.monotonic_ns() // 1_000_000)


def now_utc() -> datetime:
    """What time it is, as an aware moment."""
    return datetime.now(UTC)


async def _kept(service: Service, gateway: Gateway, turn: asyncio.Lock) -> None:
    """Import a service in a thread, so that the port answers meanwhile, then keep it.

    One after the other, in the table's order: threads that import at once only hold each other up.
    """
    if service.sections(gateway.settings.value):
        async with turn:
            with contextlib.suppress(Exception):  # keeping it meets the same again, and reports it
                await asyncio.to_thread(service.load)
    await keep(service, gateway)


async def _keep_all(services: Iterable[Service], gateway: Gateway) -> None:
    """Keep services until cancelled, and wait for the last of them to end: some have things to write."""
    turn = asyncio.Lock()
    async with asyncio.TaskGroup() as group:
        for service in services:
            group.create_task(_kept(service, gateway, turn))
        group.create_task(_settle(turn))


async def _settle(turn: asyncio.Lock) -> None:
    """All is imported, and stays: the collector need not look at it again, nor often, amid a telegram."""
    async with turn:
        gc.freeze()
        gc.set_threshold(GARBAGE)


async def run(
    settings: Settings,
    *,
    settings_file: Path | None,
    state_dir: Path | None,
    ready: Callable[[Gateway], None],
    services: tuple[Service, ...] = SERVICES,
    broken: Refused | None = None,
    adjusted: Callable[[Settings], Settings] = lambda settings: settings,
) -> None:
    """Serve until SIGTERM or SIGINT. `ready` is called with the gateway before its services start.

    A factory reset ends all services and begins anew with a new gateway: nothing of the old one is left that
    could be damaged. `broken`: why the settings are not those of the file. `adjusted`: what is made of
    those that it has when it can be used again.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    sys.setswitchinterval(SWITCH_S)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    first, reset = settings, None
    while not stop.is_set():
        gateway = Gateway(
            settings,
            clock=clock,
            state_dir=state_dir,
            settings_file=settings_file,
            was_reset=reset is not None,
        )
        logging.getLogger("han2x").addHandler(gateway.logbook)
        begin_stored(gateway)
        if reset:
            gateway.audit.note(reset.who, [did(Act.FACTORY_RESET)], clock())
        gateway.recall()
        try:
            if settings_file and broken:
                recovery.begin(settings_file, broken, gateway)
            ready(gateway)
            file = SettingsFile(settings_file, adjusted) if settings_file else None
            reset = await _serve(gateway, services, file, stop)
        finally:
            gateway.audit.close()
            logging.getLogger("han2x").removeHandler(gateway.logbook)
        if reset:
            settings, broken = _reset(gateway, reset, settings_file) if settings_file else first, None


def begin_stored(gateway: Gateway) -> None:
    """Tidy what a kill has left of stored files, and say what is damaged."""
    remove_temporaries(gateway.state_dir, gateway.settings_file)
    set_damaged_aside(gateway.state_dir, gateway.damaged)
    if gateway.settings_file and (text := complaint(gateway.settings_file)):
        gateway.damaged(text)


async def _serve(
    gateway: Gateway, services: tuple[Service, ...], file: SettingsFile | None, stop: asyncio.Event
) -> Reset | None:
    """Keep all services until told to stop, or until everything is to begin anew."""
    if file:
        services = (*services, Service(lambda _: {"settings file": file}, "han2x.runtime.recovery:run"))
    keeping = asyncio.ensure_future(_keep_all(services, gateway))
    stopped = asyncio.ensure_future(stop.wait())
    wished = asyncio.ensure_future(gateway.wish.changed(None))
    await asyncio.wait({keeping, stopped, wished}, return_when=asyncio.FIRST_COMPLETED)
    wish = gateway.wish.value
    if wish:  # before anything else: a power cut must not undo it
        _reset(gateway, wish, file.path if file else None)
    for task in (keeping, stopped, wished):
        task.cancel()
    await asyncio.wait({keeping, stopped, wished})
    if not keeping.cancelled() and (error := keeping.exception()):
        raise error
    return wish


def _reset(gateway: Gateway, wish: Reset, settings_file: Path | None) -> Settings:
    """Erase, and the settings from now on; done again after services have ended, as some write then."""
    settings = gateway.settings.value
    try:
        erase(settings, settings_file, gateway.state_dir, history=wish.history)
    except Trouble as trouble:
        log.warning("%s", trouble)
    return factory(settings, settings_file)
