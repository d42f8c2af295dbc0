"""The OpenAPI file is what the route table says, and what the server does."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    positive_data_acceptance,
    unsupported_method,
)

from han2x.web.endpoint import Access
from han2x.web.openapi import document
from han2x.web.routes import ROUTES

DOCUMENT = document(ROUTES)
STREAMS = ("/v1/events", "/v1/meters/{meter}/capture", "/v1/try/source")
LASTING = ("/v1/session", "/v1/sessions", "/v1/user", "/v1/system/factory-reset", "/v1/settings/file")
"""What would end the session, or move the port, that the others are tried with."""


def test_every_route_is_described_once() -> None:
    """Operation ids are unlike each other; who only reads changes nothing."""
    ids = [one["operationId"] for path in DOCUMENT["paths"].values() for one in path.values()]
    assert len(ids) == len(set(ids)) == len(ROUTES)
    assert all(route.doc.endswith(".") for route in ROUTES)
    for route in ROUTES:
        if route.changes and route.path != "v1/session":
            assert route.access >= Access.WRITE, route.path


def test_the_file_is_beside_the_documentation() -> None:
    """docs/openapi.json is this version's (scripts/docs writes it)."""
    file = Path(__file__).parents[2] / "docs" / "openapi.json"
    assert json.loads(file.read_text("utf-8")) == json.loads(json.dumps(DOCUMENT))


def test_a_reset_that_is_not_whole_has_erased_the_rest() -> None:
    """Its 507 is another than that of a change, of which nothing was done."""
    answers = DOCUMENT["paths"]["/v1/system/factory-reset"]["post"]["responses"]
    assert "All else is erased" in answers["507"]["description"]
    assert "Nothing" not in answers["507"]["description"]
    change = DOCUMENT["paths"]["/v1/settings"]["patch"]["responses"]["507"]["description"]
    assert change == "Nothing was changed, as it cannot be stored"


@pytest.fixture(scope="module")
def caller(tmp_path_factory: pytest.TempPathFactory, gateway: Any) -> Iterator[Any]:
    """A browser that is logged in, at a gateway whose look-alikes are on."""
    found = gateway(tmp_path_factory.mktemp("tried"))
    browser = found.owner()
    names = ("metrics", "amsreader", "homewizard")
    browser.patch("v1/settings", json={"changes": {f"web.{name}": True for name in names}})
    yield browser
    found.close()


OPEN = json.loads(json.dumps(DOCUMENT))
"""Without a word on who may: the session comes beside each case."""
for _path in OPEN["paths"].values():
    for _operation in _path.values():
        del _operation["security"]
schema = schemathesis.openapi.from_dict(OPEN)
kept = schema.exclude(path=[*STREAMS, *LASTING])
WITHOUT = [
    positive_data_acceptance,  # a text that fits its type may still be no source, no setting, no moment
    unsupported_method,  # /v1/settings/{section} takes what /v1/settings/undo does not
]


@settings(max_examples=8, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def nothing_undocumented_is_answered(case: Any, caller: Any) -> None:
    """Whatever is sent, the answer is one that the file tells of, and none is a fault of the program."""
    response = case.call(
        base_url=str(caller.base_url).rstrip("/"),
        headers={"X-CSRF": caller.headers["X-CSRF"]},
        cookies=dict(caller.cookies),
    )
    case.validate_response(response, excluded_checks=WITHOUT)


OPERATIONS = [found.ok() for found in kept.get_all_operations() if isinstance(found, Ok)]
for _one in OPERATIONS:  # by itself, or all would have one node id
    _alone = kept.include(path=_one.path, method=_one.method)
    globals()[f"test_operation[{_one.label}]"] = _alone.parametrize()(nothing_undocumented_is_answered)


def test_every_operation_is_tried() -> None:
    """None is lost on its way to a test of its own, but for those that are left out by name."""
    every = {
        f"{method.upper()} {path}"
        for path, methods in DOCUMENT["paths"].items()
        if path not in (*STREAMS, *LASTING)
        for method in methods
    }
    tests = {
        name.removeprefix("test_operation[")[:-1] for name in globals() if name.startswith("test_operation[")
    }
    assert tests == every
    assert len(every) > 30
