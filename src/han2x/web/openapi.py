"""The OpenAPI file, made of the route table and the shapes of its JSON. Pure."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from .. import __version__
from . import shapes
from .endpoint import JSON, Access, Endpoint, Param
from .json_schema import schema

SECURITY: dict[Access, list[dict[str, list[str]]]] = {
    Access.OPEN: [],
    Access.READ: [{"session": []}, {"token": []}],
    Access.WRITE: [{"session": []}, {"token": []}],
    Access.OWNER: [{"session": []}],
}
TEXTS = {
    400: "The query or the body cannot be read",
    401: "No log-in, or a wrong one",
    403: "Not allowed",
    404: "Not there",
    405: "Another method is wanted",
    408: "The body came too slowly",
    409: "Not as things are now",
    413: "The body is too large",
    415: "Another content type is wanted",
    422: "Refused, with complaints",
    429: "Too many tries",
    500: "A fault of the program",
    503: "Not at the moment",
    507: "Nothing was changed, as it cannot be stored",
}
_KINDS = {str: "string", int: "integer", bool: "string"}


def document(endpoints: Iterable[Endpoint]) -> dict[str, Any]:
    """The whole file."""
    named: dict[str, Any] = {}
    schema(shapes.Problem, named)
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in endpoints:
        paths.setdefault(f"/{endpoint.path}", {})[endpoint.method.lower()] = _operation(endpoint, named)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "han2x",
            "version": __version__,
            "description": "A smart meter's HAN port. Times are UTC with Z unless named local; numbers are "
            "in the units people read; what is not known is null. What changes something needs the header "
            "X-CSRF of the session, unless a token is used.",
        },
        "servers": [{"url": ".", "description": "Where this file is, below v1/"}],
        "paths": paths,
        "components": {
            "schemas": dict(sorted(named.items())),
            "securitySchemes": {
                "session": {"type": "apiKey", "in": "cookie", "name": "han2x-8080"},
                "token": {"type": "http", "scheme": "bearer"},
            },
        },
    }


def _operation(endpoint: Endpoint, named: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "summary": endpoint.doc,
        "operationId": re.sub(r"\W+", "_", f"{endpoint.method.lower()} {endpoint.path}").strip("_"),
        "security": SECURITY[endpoint.access],
        "responses": _responses(endpoint, named),
    }
    parameters = [*_in_path(endpoint.path), *_in_query(endpoint.query)]
    if parameters:
        found["parameters"] = parameters
    if endpoint.body:
        text = endpoint.body == "text"
        content = {"schema": {"type": "string"} if text else schema(endpoint.body, named)}
        found["requestBody"] = {"required": True, "content": {"text/plain" if text else JSON: content}}
    return found


def _in_path(path: str) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"\{(\w+)\}", path)
    ]


def _in_query(query: Mapping[str, Param]) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "in": "query",
            "required": param.required,
            "description": param.doc,
            "schema": _param(param),
        }
        for name, param in query.items()
    ]


def _param(param: Param) -> dict[str, Any]:
    found: dict[str, Any] = {"type": _KINDS[param.kind]}
    if param.kind is int:
        found |= {"minimum": param.low, "maximum": param.high}
    if param.kind is bool:
        found["enum"] = ["0", "1", "true", "false"]
    if param.choices:
        found["enum"] = list(param.choices)
    if param.default is not None and param.kind is not bool:
        found["default"] = param.default
    return found


def _responses(endpoint: Endpoint, named: dict[str, Any]) -> dict[str, Any]:
    success: dict[str, Any] = {"description": endpoint.doc}
    if endpoint.answer is not None:
        success["content"] = {endpoint.media: {"schema": schema(endpoint.answer, named)}}
    elif endpoint.success != 204:
        success["content"] = {
            endpoint.media: {"schema": {} if endpoint.media == JSON else {"type": "string"}}
        }
    texts = {**TEXTS, **endpoint.texts}
    problem = {JSON: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    refusals = {
        str(status): {"description": texts[status], "content": problem} for status in statuses(endpoint)
    }
    return {str(endpoint.success): success, **refusals}


def statuses(endpoint: Endpoint) -> list[int]:
    """What an endpoint may refuse with."""
    found = {500, *endpoint.errors}
    if endpoint.access is not Access.OPEN:
        found.add(401)
    if endpoint.changes:
        found.add(507)
    if endpoint.changes or endpoint.access > Access.READ:
        found.add(403)
    if endpoint.query:
        found.add(400)
    if endpoint.body:
        found |= {400, 408, 413, 415, 422}
    if endpoint.off:
        found.add(404)
    return sorted(found)
