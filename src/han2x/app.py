"""All there is: the table of services, and the one place that asks what time it is."""

import asyncio
import contextlib
import logging
import signal
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

from .model.instant import Instant
from .runtime.gateway import Gateway
from .runtime.outbox import POSTGRES, history_target
from .runtime.service import Service, keep
from .settings.schema import Archive, Collecting, Intake, Meter, Page, Publishing, Settings, TariffFiles
from .settings.source import MqttSource, parse_source


def _modbus_tcp(settings: Settings) -> Mapping[str, object]:
    return {"modbus tcp": settings.modbus_tcp} if settings.modbus_tcp.enabled else {}


def _modbus_rtu(settings: Settings) -> Mapping[str, object]:
    return {"modbus rtu": settings.modbus_rtu} if settings.modbus_rtu.enabled else {}


def _modbus_rtu_tcp(settings: Settings) -> Mapping[str, object]:
    return {"modbus rtu over tcp": settings.modbus_rtu_tcp} if settings.modbus_rtu_tcp.enabled else {}


def _meters(settings: Settings) -> Mapping[str, object]:
    return {f"meter {meter.name}": _intake(meter, settings) for meter in settings.meters}


def _intake(meter: Meter, settings: Settings) -> Intake:
    source = parse_source(meter.source)
    name = source.broker if isinstance(source, MqttSource) else ""
    broker = next((broker for broker in settings.mqtt if broker.name == name), None)
    return Intake(
        name=meter.name,
        source=meter.source,
        broker=broker,
        key=meter.key,
        auth_key=meter.auth_key,
        unchecked=meter.unchecked,
        kamstrup_energy_wh=meter.kamstrup_energy_wh,
    )


def _mqtt(settings: Settings) -> Mapping[str, object]:
    meters = tuple((meter.name, meter.main_topic) for meter in settings.meters)
    zone = settings.site.time_zone
    brokers = [broker for broker in settings.mqtt if broker.enabled]
    return {
        "mqtt" if len(settings.mqtt) == 1 else f"mqtt {broker.name}": Publishing(
            broker=broker, meters=meters, time_zone=zone
        )
        for broker in brokers
    }


def _tariffs(settings: Settings) -> Mapping[str, object]:
    names = tuple(sorted({meter.tariff for meter in settings.meters if meter.tariff}))
    files = TariffFiles(folder=settings.tariffs.folder, names=names, tax_zone=settings.prices.tax_zone)
    return {"tariffs": files} if names or settings.prices.enabled else {}


def _prices(settings: Settings) -> Mapping[str, object]:
    return {"prices": settings.prices} if settings.prices.enabled else {}


def _history(settings: Settings) -> Mapping[str, object]:
    names = tuple(meter.name for meter in settings.meters)
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
    found = (broker for broker in settings.mqtt if broker.name == settings.collect.broker)
    return Collecting(collect=settings.collect, postgres=settings.postgres, broker=next(found, None))


def _collect(settings: Settings) -> Mapping[str, object]:
    return {"collect": collecting(settings)}


def _accounts(settings: Settings) -> Mapping[str, object]:
    wanted = _tariffs(settings) and _history(settings)
    return {"accounts": wanted["history"]} if wanted else {}


def _web(settings: Settings) -> Mapping[str, object]:
    web = settings.web
    page = Page(host=web.host, port=web.port, tls=web.tls, cert_file=web.cert_file, key_file=web.key_file)
    return {"web": page} if web.enabled else {}


SERVICES: tuple[Service, ...] = (
    Service(_modbus_tcp, "han2x.modbus.tcp:run"),
    Service(_modbus_rtu, "han2x.modbus.line:run"),
    Service(_modbus_rtu_tcp, "han2x.modbus.rtu_tcp:run"),
    Service(_meters, "han2x.intake.service:run"),
    Service(_mqtt, "han2x.mqtt.service:run"),
    Service(_tariffs, "han2x.billing.tariffs:run"),
    Service(_prices, "han2x.billing.prices:run"),
    Service(_history, "han2x.history.service:run"),
    Service(_accounts, "han2x.history.recall:run"),
    Service(_postgres, "han2x.postgres.service:run"),
    Service(_web, "han2x.web.service:run"),
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


async def run(
    settings: Settings,
    *,
    settings_file: Path | None,
    state_dir: Path | None,
    ready: Callable[[Gateway], None],
    services: tuple[Service, ...] = SERVICES,
) -> None:
    """Serve until SIGTERM or SIGINT. `ready` is called with the gateway before its services start."""
    gateway = Gateway(settings, clock=clock, state_dir=state_dir, settings_file=settings_file)
    gateway.recall()
    logging.getLogger("han2x").addHandler(gateway.logbook)
    ready(gateway)
    if settings_file:
        file = Service(lambda _: {"settings file": settings_file}, "han2x.runtime.settings_file:run")
        services = (*services, file)
    keeping = asyncio.ensure_future(_keep_all(services, gateway))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, keeping.cancel)
    try:
        with contextlib.suppress(asyncio.CancelledError):
            await keeping
    finally:
        logging.getLogger("han2x").removeHandler(gateway.logbook)
