"""From a request to its answer: the row of the table, who calls, what was sent. Nothing raises here."""

import asyncio
import json
import logging
import re
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from ..model.instant import Instant
from ..settings.networks import parse_networks
from . import shapes
from .client_address import Client, client_of
from .endpoint import JSON, Access, Call, Caller, Endpoint, Param, Refusal
from .events import dumps
from .headers import harden
from .json_schema import faults
from .sessions import csrf
from .state import State
from .static import Files

log = logging.getLogger("han2x.web")

BODY_MAX = 256 * 1024
BODY_S = 20.0
INLINE_MAX = 4096
"""Bytes of a body that are read on the loop; more are read in a thread."""

FAULTS_MAX = 100
"""More are not told, nor looked for."""

BEARER = "bearer "
NUMBER = re.compile(r"-?[0-9]{1,15}")
FLAGS = {"0": False, "1": True, "false": False, "true": True}


class Answering:
    """The ASGI application: a route table, and files for all paths that are not in it."""

    def __init__(self, state: State, endpoints: Iterable[Endpoint], files: Files) -> None:
        self._state, self._files = state, files
        self._table: dict[str, tuple[re.Pattern[str], dict[str, Endpoint]]] = {}
        for endpoint in endpoints:
            pattern = re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(endpoint.path))
            row = self._table.setdefault(endpoint.path, (re.compile(pattern), {}))
            row[1][endpoint.method] = endpoint

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        response = harden(await self._answered(request))
        await response(scope, receive, send)

    async def _answered(self, request: Request) -> Response:
        try:
            return await self._answer(request)
        except Refusal as refusal:
            self._state.refused += 1
            return problem(refusal)
        except (ClientDisconnect, HTTPException):
            return Response(status_code=400)
        except Exception as error:
            log.error(
                "%s %s: internal error: %r; please report it", request.method, request.scope["path"], error
            )
            log.debug("in an answer", exc_info=True)
            return problem(
                Refusal(500, "internal", "Something went wrong in the program; the log says more.")
            )
        finally:
            await self._state.save()

    async def _answer(self, request: Request) -> Response:
        path = request.scope["path"].removeprefix("/")
        methods, parameters = self._find(path)
        if methods is None:
            return self._file(path, request)
        endpoint = methods.get(request.method)
        if endpoint is None:
            refusal = Refusal(405, "method", f"Only {', '.join(methods)} here.")
            return problem(refusal, {"Allow": ", ".join(methods)})
        web = self._state.gateway.settings.value.web
        if endpoint.off and not getattr(web, endpoint.off):
            raise Refusal(404, "off", f"This is off; web.{endpoint.off} turns it on.")
        now = self._state.gateway.now()
        caller = self._caller(request, endpoint, now)
        query = _query(request, endpoint.query)
        body = await _body(request, endpoint) if endpoint.body else None
        call = Call(request, self._state, caller, now, parameters, query, body)
        answer = await endpoint.handler(call)
        if isinstance(answer, Response):
            return answer
        if answer is None and endpoint.answer is None:
            return Response(status_code=endpoint.success)
        return Response(dumps(answer), endpoint.success, media_type=JSON)

    def _find(self, path: str) -> tuple[dict[str, Endpoint] | None, Mapping[str, str]]:
        exact = self._table.get(path)
        if exact:
            return exact[1], {}
        for pattern, methods in self._table.values():
            if match := pattern.fullmatch(path):
                return methods, match.groupdict()
        return None, {}

    def _file(self, path: str, request: Request) -> Response:
        if request.method not in ("GET", "HEAD"):
            raise Refusal(404, "not_found", "There is nothing here.")
        found = self._files.answer(path, request)
        if found is None:
            raise Refusal(404, "not_found", "There is nothing here.")
        return found

    def _caller(self, request: Request, endpoint: Endpoint, now: Instant) -> Caller:
        """Who calls; raises `Refusal` unless that one may."""
        caller = self._identified(request, now)
        self._recognise(request, caller)
        if endpoint.changes:
            _same_site(request)
        if caller.access < endpoint.access:
            if caller.access is Access.OPEN:
                raise Refusal(401, "login", "Log in first.")
            raise Refusal(403, "scope", "This token may not do that.")
        if endpoint.changes and caller.session and endpoint.access is not Access.OPEN:
            said = request.headers.get("x-csrf", "")
            if said.encode("utf-8", "replace") != csrf(caller.session).encode():
                raise Refusal(403, "csrf", "The page must say the X-CSRF of its session.")
        return caller

    def _recognise(self, request: Request, caller: Caller) -> None:
        """Who has shown a log-in or token keeps its place; who has logged in may have one that is kept."""
        if caller.access is Access.OPEN:
            return
        reference = request.scope.get("state", {}).get("connection")
        if reference and (connection := reference()):
            connection.known = True
        if caller.access is Access.OWNER and self._state.limits and request.client:
            self._state.limits.logged_in(request.client.host)

    def _identified(self, request: Request, now: Instant) -> Caller:
        peer = request.client.host if request.client else ""
        client = self._client(request, peer)
        keys = self._state.keys
        authorization = request.headers.get("authorization", "")
        if authorization[: len(BEARER)].lower() == BEARER:
            token = keys.token(authorization[len(BEARER) :].strip(), now.unix_ms)
            if token is None:
                raise Refusal(401, "token", "This token is not known, or was revoked.")
            access = Access.WRITE if token.scope == "write" else Access.READ
            return Caller(access, client, peer, token=token.id, name=token.name)
        secret = request.cookies.get(self._state.cookie, "")
        if secret and keys.session(secret, self._state.stamp, now.unix_ms):
            return Caller(Access.OWNER, client, peer, secret)
        return Caller(Access.OPEN, client, peer)

    def _client(self, request: Request, peer: str) -> Client:
        trusted = parse_networks(self._state.gateway.settings.value.web.trusted_proxies)
        return client_of(peer, request.headers.items(), trusted, request.scope["http_version"])


def problem(refusal: Refusal, headers: Mapping[str, str] | None = None) -> Response:
    """A refusal as JSON."""
    found: shapes.Problem = {"error": refusal.code, "text": refusal.text}
    if refusal.complaints is not None:
        found["complaints"] = refusal.complaints
    extra = dict(headers or {})
    if refusal.retry_s is not None:
        found["retry_s"] = refusal.retry_s
        extra["Retry-After"] = str(refusal.retry_s)
    if refusal.default_password is not None:
        found["default_password"] = refusal.default_password
    if refusal.initial_password is not None:
        found["initial_password"] = refusal.initial_password
    if refusal.status == 401:
        extra["WWW-Authenticate"] = "Bearer"
    if refusal.status in (408, 413):
        extra["Connection"] = "close"
    return Response(dumps(found), refusal.status, extra, JSON)


def _same_site(request: Request) -> None:
    """Browsers say where a request comes from; another site's is never wanted."""
    if request.headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
        raise Refusal(403, "cross_site", "Requests from other sites are refused.")


def _query(request: Request, params: Mapping[str, Param]) -> dict[str, Any]:
    """The query by its table; raises `Refusal`."""
    return {name: _param(name, request.query_params.get(name), param) for name, param in params.items()}


def _param(name: str, text: str | None, param: Param) -> str | int | bool | None:
    if text is None:
        if param.required:
            raise Refusal(400, "query", f"The query needs {name}.")
        return param.default
    if param.kind is int:
        if not NUMBER.fullmatch(text) or not param.low <= int(text) <= param.high:
            raise Refusal(400, "query", f"{name} must be a whole number from {param.low} to {param.high}.")
        return int(text)
    if param.kind is bool:
        if text not in FLAGS:
            raise Refusal(400, "query", f"{name} must be 0 or 1.")
        return FLAGS[text]
    if param.choices and text not in param.choices:
        raise Refusal(400, "query", f"{name} must be one of {', '.join(param.choices)}.")
    return text


async def _body(request: Request, endpoint: Endpoint) -> Any:
    """The checked body; raises `Refusal`."""
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    wanted = ("text/plain", "application/toml") if endpoint.body == "text" else (JSON,)
    if media not in wanted:
        raise Refusal(415, "media", f"The content type must be {wanted[0]}.")
    octets = await _octets(request)
    if len(octets) <= INLINE_MAX:
        return _read(octets, endpoint)
    return await asyncio.to_thread(_read, octets, endpoint)


def _read(octets: bytes, endpoint: Endpoint) -> Any:
    """The checked body; raises `Refusal`."""
    try:
        text = octets.decode()
        if endpoint.body == "text":
            return text
        body = json.loads(text, parse_constant=_no_number)
        dumps(body).encode()  # raises for half a surrogate pair
    except (ValueError, RecursionError):
        raise Refusal(
            400, "json" if endpoint.body != "text" else "utf8", "The body cannot be read."
        ) from None
    found = [_complaint(path, text) for path, text in islice(faults(body, endpoint.body), FAULTS_MAX)]
    if found:
        raise Refusal(422, "body", "The body is not what is asked for.", complaints=found)
    return body


def _complaint(path: str, text: str) -> shapes.ComplaintShape:
    return {"path": path, "code": "shape", "params": {}, "text": text}


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no JSON")


async def _octets(request: Request) -> bytes:
    """The body, as far as it comes in time and is not too large; raises `Refusal`."""
    said = request.headers.get("content-length", "0")
    if not said.isdecimal() or len(said) > 9 or int(said) > BODY_MAX:
        raise Refusal(413, "too_large", f"A body may have {BODY_MAX} octets.")
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_S):
            async for piece in request.stream():
                body += piece
                if len(body) > BODY_MAX:
                    raise Refusal(413, "too_large", f"A body may have {BODY_MAX} octets.")
    except TimeoutError:
        raise Refusal(408, "too_slow", f"A body must come within {BODY_S:.0f} s.") from None
    return bytes(body)
