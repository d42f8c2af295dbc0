"""Meters, live events and health."""

import asyncio
from collections.abc import Callable
from typing import cast

from starlette.responses import Response

from ..runtime.price_lists import PriceLists
from ..settings.schema import Meter
from ..tariff import plain
from ..tariff.calendar import local
from ..tariff.standing import standing
from . import live_shapes
from .endpoint import SSE, Access, Call, Refusal
from .events import Page, health
from .long_answers import Kind
from .meter import meter, summary, tariff
from .streaming import Streaming


def named(call: Call, name: str) -> Meter:
    """The settings of a meter, by its id or else by its name; raises `Refusal`."""
    meters = call.gateway.settings.value.meters
    by_name = {one.name: one for one in meters}
    by_id = {one.id: one for one in meters}
    found = (by_name | by_id).get(name)  # a name may be the id of another
    if found is None:
        raise Refusal(404, "no_meter", "No meter has this id or name.")
    return found


async def every(call: Call) -> list[live_shapes.Summary]:
    """All meters."""
    gateway = call.gateway
    return [
        summary(
            one,
            gateway.view(one, call.now),
            gateway.diagnosis(one.id).value,
            number=gateway.number(one.id),
        )
        for one in gateway.settings.value.meters
    ]


async def one(call: Call) -> live_shapes.Meter:
    """One meter."""
    gateway, settings = call.gateway, named(call, call.path["meter"])
    number = gateway.number(settings.id)
    view, diagnosis = gateway.view(settings, call.now), gateway.diagnosis(settings.id).value
    return meter(settings, view, diagnosis, call.now, number=number)


async def capacity(call: Call) -> live_shapes.CapacityShape | None:
    """A meter's capacity step."""
    return (await one(call))["capacity"]


async def kwh_prices(call: Call) -> live_shapes.KwhPricesShape | None:
    """What a kWh costs and earns today and tomorrow."""
    costs = call.gateway.view(named(call, call.path["meter"]), call.now).costs
    return cast(live_shapes.KwhPricesShape, plain.kwh_prices(costs)) if costs else None


async def tariffs(call: Call) -> list[live_shapes.TariffShape]:
    """The grid tariffs that can be used."""
    gateway = call.gateway
    lists = PriceLists(gateway.settings.value.tariffs.folder, gateway.state_dir)
    moment = gateway.local_time(call.now).unix_ms // 1000
    found = await asyncio.to_thread(lists.every)
    today = local(moment, gateway.accounts.zone).date()
    return sorted((tariff(standing(one, today)) for one in found), key=lambda one: one["title"].lower())


async def events(call: Call) -> Response:
    """Live events, as long as the caller may see them."""
    every = [one.id for one in call.gateway.settings.value.meters]
    asked = call.query["meters"]
    meters = every if asked is None else _listed(call, asked)
    telegrams = _listed(call, call.query["telegrams"] or "")
    page = Page(
        meters,
        telegrams,
        log=call.query["log"],
        clients=call.query["clients"],
        owner=call.caller.access is Access.OWNER,
    )
    pieces = call.state.hub.listen(page, _holds(call))
    return Streaming(call, Kind.EVENTS, pieces, SSE, {"X-Accel-Buffering": "no"})


def _listed(call: Call, text: str) -> list[str]:
    """The ids of meters that are listed by id or name; unknown ones may come to be."""
    meters = call.gateway.settings.value.meters
    ids = {one.name: one.id for one in meters} | {one.id: one.id for one in meters}
    return [ids.get(name, name) for name in text.split(",") if name]


def _holds(call: Call) -> Callable[[], bool]:
    """Whether the session or token that a stream was begun with still holds."""
    state, secret = call.state, call.caller.session
    if call.caller.access is Access.OWNER:
        return lambda: state.keys.session(secret, state.stamp, state.gateway.now().unix_ms) is not None
    token = call.request.headers["authorization"].partition(" ")[2].strip()
    return lambda: state.keys.token(token, state.gateway.now().unix_ms) is not None


async def services(call: Call) -> live_shapes.Health:
    """How all services fare."""
    return health(call.gateway)
