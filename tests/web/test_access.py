"""Who may do what: each route and each setting, made of the tables themselves, for each kind of credential.

One rule says what is expected: who calls must be at least what the row of the table says, and what reaches
further than the gateway's own values is a person's. A route or setting that is added has its answer here.
"""

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any, NamedTuple

import pytest

from han2x.settings.reach import Reach
from han2x.settings.schema import REPEATED, SECTIONS, Settings, rules
from han2x.web.endpoint import Access, Endpoint
from han2x.web.routes import ROUTES

PROXIES: dict[str, dict[str, str]] = {
    "directly": {},
    "through a proxy": {"X-Forwarded-For": "203.0.113.9"},
    "through Home Assistant's ingress": {"X-Ingress-Path": "/api/hassio_ingress/x", "X-Forwarded-For": "::1"},
    "through a proxy of the home": {"Forwarded": "for=192.168.1.7", "Via": "1.1 proxy"},
}
"""How a request comes; that changes where a log-in with the default password is taken, and nothing else."""

NO_LOGIN, NO_SCOPE = (401, "login"), (403, "scope")


class Credential(NamedTuple):
    """`access`: what it makes of who calls. `refused`: how it is refused where that is not enough."""

    access: Access
    refused: tuple[int, str]


CREDENTIALS = {
    "none": Credential(Access.OPEN, NO_LOGIN),
    "a session that was ended": Credential(Access.OPEN, NO_LOGIN),
    "a token that reads": Credential(Access.READ, NO_SCOPE),
    "a token that writes": Credential(Access.WRITE, NO_SCOPE),
    "a log-in": Credential(Access.OWNER, NO_SCOPE),
}
PLACES = {
    "id": "000",
    "serial": "77",
    "section": "nosuch",
    "index": "99",
    "meter": "nosuch",
    "unit_id": "1",
    "map": "nosuch",
    "tool": "nosuch",
    "name": "nosuch",
}
"""What is in a path: nothing that there is, so that nothing is changed."""

ENDS_LOGIN = {("DELETE", "v1/session"), ("DELETE", "v1/sessions")}


def may(access: Access, wanted: Access, reach: Reach = Reach.PLAIN) -> bool:
    """The rule."""
    return access >= wanted and (reach is Reach.PLAIN or access is Access.OWNER)


class Callers:
    """Browsers with each credential."""

    def __init__(self, gateway: Any) -> None:
        self.gateway, self.owner = gateway, gateway.owner()
        ended = gateway.owner()
        headers = {
            "X-CSRF": ended.headers["X-CSRF"],
            "Cookie": "; ".join(map("=".join, ended.cookies.items())),
        }
        assert ended.delete("v1/session").status_code == 204
        self.made: dict[str, Any] = {
            "none": gateway.anybody(),
            "a session that was ended": gateway.anybody(**headers),
            "a log-in": gateway.owner(),
        }
        for scope in ("read", "write"):
            token = self.owner.post("v1/tokens", json={"name": scope, "scope": scope}).json()["token"]
            self.made[f"a token that {scope}s"] = gateway.anybody(Authorization=f"Bearer {token}")

    def __getitem__(self, name: str) -> Any:
        return self.made[name]

    def anew(self) -> None:
        """A new log-in, after the last was ended."""
        self.made["a log-in"] = self.gateway.owner()


def told(browser: Any, method: str, path: str, **more: Any) -> tuple[int, str]:
    """Status and error of an answer, whose end is not waited for."""
    with browser.stream(method, path, **more) as response:
        if response.status_code not in (401, 403):
            return response.status_code, ""
        response.read()
        return response.status_code, response.json()["error"]


def where(endpoint: Endpoint) -> str:
    return endpoint.path.format_map(PLACES)


@pytest.mark.parametrize("way", PROXIES)
def test_every_route_asks_for_what_its_row_says(own: Any, way: str) -> None:
    """Each route for each credential, however the request comes: by the rule, and by nothing else."""
    callers, wrong = Callers(own), []
    for endpoint in sorted(ROUTES, key=lambda one: (one.method, one.path) in ENDS_LOGIN):
        for name, credential in CREDENTIALS.items():
            answer = told(callers[name], endpoint.method, where(endpoint), headers=PROXIES[way])
            if may(credential.access, endpoint.access):
                right = answer[0] not in (401, 403) or endpoint.path == "v1/session"
            else:
                right = answer == credential.refused
            if not right:
                wrong.append((endpoint.method, endpoint.path, name, answer))
            if (endpoint.method, endpoint.path) in ENDS_LOGIN:
                callers.anew()
    assert wrong == []


def test_a_token_or_session_that_is_none_is_refused_by_every_route(own: Any) -> None:
    """A token that is wrong or was revoked is refused even where nothing is asked for."""
    owner = own.owner()
    made = owner.post("v1/tokens", json={"name": "gone", "scope": "write"}).json()
    assert owner.delete(f"v1/tokens/{made['id']}").status_code == 204
    for word in (made["token"], "x" * 40, "%"):
        browser = own.anybody(Authorization=f"Bearer {word}")
        for endpoint in ROUTES:
            if not endpoint.off:
                assert told(browser, endpoint.method, where(endpoint)) == (401, "token"), endpoint.path


def test_a_log_in_changes_nothing_without_the_pages_word(own: Any) -> None:
    """Each route that changes something and is not open: another site's form has the cookie, not the word."""
    browser = own.owner()
    for words in ({"X-CSRF": ""}, {"X-CSRF": "0" * 32}, {"Sec-Fetch-Site": "cross-site"}):
        for endpoint in ROUTES:
            if endpoint.changes and endpoint.access is not Access.OPEN:
                status, error = told(browser, endpoint.method, where(endpoint), headers=words)
                assert (status, error in ("csrf", "cross_site")) == (403, True), endpoint.path


@pytest.mark.parametrize("way", [way for way in PROXIES if way != "directly"])
def test_the_default_password_is_no_credential_but_directly(own: Any, way: str) -> None:
    """A sign of a proxy that is not trusted: the password that everybody knows opens nothing."""
    browser = own.anybody(**PROXIES[way])
    assert told(browser, "POST", "v1/session", json={"user": "bits", "password": "vari"})[0] == 403


# -- settings ----------------------------------------------------------------------------------------

TRIED: tuple[object, ...] = (
    *("tcp:bridge.local:3001", "replay:/etc/passwd", "serial:/dev/ttyUSB7"),
    *("10.9.0.0/16", "192.168.7.7/24", "192.168.7.7", "/etc/other", "https://other.example.org/prices"),
    *("other", "NO7", "Europe/Stockholm", "1.7.0", "0.1", "nnn", "00" * 16, "7"),
    "scrypt:" + "A" * 24 + ":" + "A" * 44,
)
"""Values of texts, for each row the first that it may have."""


def others(section: type, key: str) -> list[object]:
    """Values that a setting may have and does not have by default, that reach as far as they can."""
    rule, default = rules(section)[key], section.__dataclass_fields__[key].default  # type: ignore[attr-defined]
    found = (True, False, 1, *rule.choices, rule.low, rule.high, *TRIED)
    return [
        value
        for value in found
        if type(value) is type(default) and value != default and rule.complaint(value) is None
    ]


def reach_of(section: type, key: str, value: object) -> Reach:
    reach: Reach | Callable[[object], Reach] = section.__dataclass_fields__[key].metadata["reach"]  # type: ignore[attr-defined]
    return reach if isinstance(reach, Reach) else reach(value)


def rows() -> list[tuple[str, str, object, Reach]]:
    """Each setting: where it is, and a value; where its reach is the value's, one of each reach."""
    found = []
    for name, section in SECTIONS.items():
        for one in fields(section):
            values = others(section, one.name)
            by_reach = {reach_of(section, one.name, value): value for value in reversed(values)}
            found += [(name, one.name, value, reach) for reach, value in by_reach.items()]
    return found


def test_every_setting_has_a_value_to_try() -> None:
    """So no row can be added without an answer below; every kind of reach is there."""
    tried = {(name, key) for name, key, _, _ in rows()}
    every = {(name, one.name) for name, section in SECTIONS.items() for one in fields(section)}
    assert every - tried == set()
    flags = {flag for *_, reach in rows() for flag in reach}
    assert flags == set(Reach)
    assert {reach for name, key, _, reach in rows() if (name, key) == ("meters", "source")} == {
        Reach.PLAIN,
        Reach.READS_FILE,
        Reach.OPENS_DEVICE,
    }


def test_every_setting_is_changed_by_whom_its_reach_says(own: Any) -> None:
    """Each row for each credential, beside a setting that there is none of, so that nothing is changed."""
    callers, wrong = Callers(own), []
    before = callers.owner.get("v1/settings").json()
    for name, key, value, reach in rows():
        if name in REPEATED and not getattr(Settings(), name):
            continue  # it has no row to change; see below
        path = f"{name}.0.{key}" if name in REPEATED else f"{name}.{key}"
        for kind, credential in CREDENTIALS.items():
            body = {"changes": {path: value, "no.such": 1}}
            answer = told(callers[kind], "PATCH", "v1/settings", json=body)
            right = (422, "") if may(credential.access, Access.WRITE, reach) else credential.refused
            if answer != right:
                wrong.append((path, kind, answer))
    assert wrong == []
    assert callers.owner.get("v1/settings").json() == before


def test_a_row_is_added_by_whom_its_reach_says(own: Any) -> None:
    """Each setting of each repeated section, in a row that a token adds: nothing that reaches further is."""
    callers = Callers(own)
    write, owner = callers["a token that writes"], callers["a log-in"]
    for name, key, value, reach in rows():
        if name not in REPEATED or key == "id":
            continue
        row: Mapping[str, object] = {"name": "one more", **({"unit_id": 99} if name == "meters" else {})}
        body = {**row, key: value}
        for kind in ("none", "a token that reads"):
            refused = told(callers[kind], "POST", f"v1/settings/{name}", json=body)
            assert refused == CREDENTIALS[kind].refused
        answer = write.post(f"v1/settings/{name}", json=body)
        if reach is Reach.PLAIN:
            assert answer.status_code != 403, (name, key, answer.text)
        else:  # what contradicts itself is said before who may
            assert answer.status_code in (403, 422), (name, key, answer.text)
        if answer.status_code == 200:
            index = len(answer.json()["settings"][name]) - 1
            assert owner.delete(f"v1/settings/{name}/{index}").status_code == 200
