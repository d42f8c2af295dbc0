"""JSON by Python type hints: the check of what comes in, and the JSON schema that says the same. Pure.

Hints are what the API's values are made of: TypedDict, list, dict, Literal, unions, str, int, float, bool.
"""

from collections.abc import Iterator, Mapping
from types import NoneType, UnionType
from typing import Any, Literal, NotRequired, Union, get_args, get_origin, get_type_hints, is_typeddict

_PLAIN: dict[Any, tuple[type | tuple[type, ...], str]] = {
    str: (str, "string"),
    int: (int, "integer"),
    float: ((int, float), "number"),
    bool: (bool, "boolean"),
    NoneType: (NoneType, "null"),
}
_NAMES = {"string": "a text", "integer": "a whole number", "number": "a number", "boolean": "true or false"}


def faults(value: object, hint: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Where a value is not what a hint says, and what it must be there."""
    if hint is Any or hint is object:
        return
    if is_typeddict(hint):
        yield from _table_faults(value, hint, path)
    elif get_origin(hint) in (list, dict):
        yield from _holder_faults(value, hint, path)
    elif not _fits(value, hint):
        yield path, f"must be {_must(hint)}"


def _table_faults(value: object, hint: Any, path: str) -> Iterator[tuple[str, str]]:
    if not isinstance(value, dict):
        yield path, "must be an object"
        return
    fields = _fields(hint)
    for name in value.keys() - fields.keys():
        yield _joined(path, name), "is not known"
    for name, (kind, required) in fields.items():
        if name in value:
            yield from faults(value[name], kind, _joined(path, name))
        elif required:
            yield _joined(path, name), "is missing"


def _holder_faults(value: object, hint: Any, path: str) -> Iterator[tuple[str, str]]:
    origin, arguments = get_origin(hint), get_args(hint)
    if not isinstance(value, origin):
        yield path, "must be a list" if origin is list else "must be an object"
        return
    items = enumerate(value) if isinstance(value, list) else value.items()
    for name, item in items:
        yield from faults(item, arguments[-1], _joined(path, str(name)))


def _fits(value: object, hint: Any) -> bool:
    if get_origin(hint) is Literal:
        return any(value == one and type(value) is type(one) for one in get_args(hint))
    if get_origin(hint) in (Union, UnionType):
        return any(not list(faults(value, one)) for one in get_args(hint))
    kind = _PLAIN[hint][0]
    return isinstance(value, kind) and (hint is bool or not isinstance(value, bool))


def _must(hint: Any) -> str:
    if get_origin(hint) is Literal:
        return f"one of {', '.join(map(str, get_args(hint)))}"
    if get_origin(hint) in (Union, UnionType):
        return " or ".join(_must(one) for one in get_args(hint) if one is not NoneType)
    return _NAMES.get(_PLAIN[hint][1], "null")


def schema(hint: Any, named: dict[str, Any]) -> dict[str, Any]:
    """The JSON schema of a hint; TypedDicts are put into `named` once, and referred to."""
    if hint is Any or hint is object:
        return {}
    if is_typeddict(hint):
        return _table_schema(hint, named)
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is list:
        return {"type": "array", "items": schema(arguments[0], named)}
    if origin is dict:
        return {"type": "object", "additionalProperties": schema(arguments[1], named)}
    if origin is Literal:
        return {"enum": list(arguments)}
    if origin in (Union, UnionType):
        return {"anyOf": [schema(one, named) for one in arguments]}
    return {"type": _PLAIN[hint][1]}


def _table_schema(hint: Any, named: dict[str, Any]) -> dict[str, Any]:
    name = hint.__name__
    if name not in named:
        named[name] = {}
        fields = _fields(hint)
        named[name] = {
            "type": "object",
            "description": " ".join((hint.__doc__ or "").split()),
            "properties": {key: schema(kind, named) for key, (kind, _) in fields.items()},
            "required": [key for key, (_, required) in fields.items() if required],
            "additionalProperties": False,
        }
    return {"$ref": f"#/components/schemas/{name}"}


def _fields(hint: Any) -> Mapping[str, tuple[Any, bool]]:
    """The kind of each field, and whether it must be there."""
    found = get_type_hints(hint, include_extras=True)
    return {
        name: (get_args(kind)[0], False) if get_origin(kind) is NotRequired else (kind, True)
        for name, kind in found.items()
    }


def _joined(path: str, name: object) -> str:
    return f"{path}.{name}" if path else str(name)
