"""Logging in and out, credentials, tokens (manual row M40)."""

import logging
from functools import partial

from starlette.responses import Response

from .. import __version__
from ..runtime.audit import Act
from ..runtime.interfaces import connected_networks
from ..settings.networks import within
from . import first_password, shapes
from .endpoint import Call, Refusal, no_content
from .passwords import DEFAULT_PASSWORD, LEAST, MOST
from .sessions import csrf
from .times import iso

log = logging.getLogger("han2x.web")

COOKIE_S = 30 * 24 * 3600


async def show(call: Call) -> shapes.Session:
    """Who is logged in; whoever is not is told whether the default or the first password would do."""
    web = call.gateway.settings.value.web
    if not call.caller.session:
        raise Refusal(
            401,
            "login",
            "Log in first.",
            default_password=call.state.manual_default and _connected(call),
            initial_password=call.state.initial_password,
        )
    return {
        "user": web.user,
        "default_password": call.state.manual_default,
        "initial_password": call.state.initial_password,
        "csrf": csrf(call.caller.session),
        "language": web.language or None,  # type: ignore[typeddict-item]
        "version": __version__,
        "build": call.state.hub.build,
        "name": web.name,
        "demo": call.state.demo,
        "wizard": not call.state.keys.wizard_done,
    }


async def log_in(call: Call) -> Response:
    """A session, for the right name and password."""
    web = call.gateway.settings.value.web
    default = call.body["password"] == DEFAULT_PASSWORD or not call.state.initial_password
    if call.state.manual_default and default and not _connected(call):
        raise Refusal(
            403,
            "default_from_outside",
            "The default password works from a directly connected private network only, not by a proxy.",
        )
    await prove(call, call.body["user"], call.body["password"])
    log.info("%s: %s logged in", call.caller.host, web.user)
    return with_cookie(no_content(), call, call.state.keys.open(call.state.stamp, call.now.unix_ms))


async def prove(call: Call, user: str, password: str) -> None:
    """Check a name and a password; raises `Refusal` for wrong ones, and for too many of them."""
    web, state = call.gateway.settings.value.web, call.state
    wait_ms = state.throttle.take(call.caller.host, call.now.mono_ms)
    if wait_ms:
        retry_s = wait_ms // 1000 + 1
        raise Refusal(429, "throttled", f"Too many tries; wait {retry_s} s.", retry_s=retry_s)
    right = len(password) <= MOST and await _right(call, password)
    if not right or user != web.user:
        log.warning("%s: a wrong name or password", call.caller.host)
        raise Refusal(401, "wrong", "Name or password is wrong.")
    state.throttle.right(call.caller.host, call.now.mono_ms)


async def _right(call: Call, password: str) -> bool:
    """Whether a password opens the page: the one that was set; else the first one, or the manual's."""
    state = call.state
    if state.manual_default and _connected(call) and await state.passwords.right(password, ""):
        return True
    kept = call.gateway.settings.value.web.password or state.keys.initial
    return bool(kept) and await state.passwords.right(password, kept or "")


def _connected(call: Call) -> bool:
    """Whether a request is from home, and its peer in a network that this machine is in itself."""
    return call.caller.client.home and within(call.caller.peer.partition("%")[0], connected_networks())


async def log_out(call: Call) -> Response:
    """The end of this session."""
    await call.state.keep(partial(call.state.keys.close, call.caller.session))
    return with_cookie(no_content(), call, "")


async def log_out_everywhere(call: Call) -> Response:
    """The end of all sessions."""
    await call.state.keep(call.state.keys.close_all)
    call.note(Act.LOGGED_OUT_EVERYWHERE)
    return with_cookie(no_content(), call, "")


async def change_user(call: Call) -> Response:
    """Another name or password; all other sessions end."""
    body, web, keys = call.body, call.gateway.settings.value.web, call.state.keys
    await prove(call, body.get("user", web.user), body["password"])
    new = body["new_password"]
    if not LEAST <= len(new) <= MOST or new == DEFAULT_PASSWORD:
        text = f"must have {LEAST} to {MOST} characters"
        raise Refusal(
            422,
            "password",
            "The new password is too short or too long.",
            complaints=[
                {
                    "path": "new_password",
                    "code": "length",
                    "params": {"low": LEAST, "high": MOST},
                    "text": text,
                }
            ],
        )
    hashed = await call.state.passwords.made(new)
    changes = {"web.user": body.get("new_user", web.user), "web.password": hashed}
    refused = await call.state.take(partial(call.gateway.amend, changes, call.caller.who()))
    if refused:
        text = refused.complaints[0].text
        raise Refusal(
            422,
            "user",
            "The new name is refused.",
            complaints=[{"path": "new_user", "code": "text", "params": {}, "text": text}],
        )
    log.info("%s: name or password was changed", call.caller.host)
    first_password.forget(call.gateway.state_dir)
    keys.close_all()
    return with_cookie(no_content(), call, keys.open(call.state.stamp, call.now.unix_ms))


async def list_tokens(call: Call) -> list[shapes.TokenShape]:
    """The tokens there are."""
    return [
        {
            "id": one.id,
            "name": one.name,
            "scope": one.scope,  # type: ignore[typeddict-item]
            "created": iso(one.created_ms),
            "last_used": None if one.used_ms is None else iso(one.used_ms),
        }
        for one in call.state.keys.tokens()
    ]


async def add_token(call: Call) -> shapes.TokenSecret:
    """A new token."""
    name = call.body["name"].strip()
    if not 0 < len(name) <= 64:
        raise Refusal(422, "name", "A token needs a name of at most 64 characters.")
    add = partial(call.state.keys.add_token, name, call.body["scope"], call.now.unix_ms)
    made = await call.state.keep(add)
    if made is None:
        raise Refusal(409, "too_many", "There are too many tokens; revoke some.")
    call.note(Act.TOKEN_MADE, name)
    return {"id": made[0], "token": made[1]}


async def revoke_token(call: Call) -> None:
    """The end of a token."""
    name = next((one.name for one in call.state.keys.tokens() if one.id == call.path["id"]), "")
    if not await call.state.keep(partial(call.state.keys.revoke, call.path["id"])):
        raise Refusal(404, "no_token", "There is no such token.")
    call.note(Act.TOKEN_REVOKED, name)


def with_cookie(response: Response, call: Call, secret: str) -> Response:
    """The session in a cookie that no script sees and no other site sends."""
    response.set_cookie(
        call.state.cookie,
        secret,
        max_age=COOKIE_S if secret else 0,
        path="/",
        httponly=True,
        samesite="strict",
        secure=call.request.url.scheme == "https",
    )
    return response
