"""Who may come in (manual row M40): log-in, sessions, tokens, other sites, guesses, and from outside."""

import json
from typing import Any

import pytest

OUTSIDE = "203.0.113.9"


def test_the_manuals_name_and_password_open_the_page(shared: Any) -> None:
    """On a first start bits and vari log in, and the page is told that they are the default."""
    browser = shared.anybody()
    nobody = browser.get("v1/session")
    assert (nobody.status_code, nobody.json()["default_password"]) == (401, True)
    outside = shared.anybody(**{"X-Forwarded-For": OUTSIDE}).get("v1/session")
    assert outside.json()["default_password"] is False
    response = browser.log_in()
    assert response.status_code == 204
    cookie = response.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    said = browser.get("v1/session").json()
    assert (said["user"], said["default_password"], said["demo"]) == ("bits", True, False)


@pytest.mark.parametrize(
    ("user", "password"), [("bits", "Vari"), ("bit", "vari"), ("bits", ""), ("", "å" * 999)]
)
def test_a_wrong_name_or_password_is_not_told_apart(shared: Any, user: str, password: str) -> None:
    """Both get the same answer, and no cookie."""
    response = shared.anybody().log_in(password, user)
    assert (response.status_code, response.json()["error"]) == (401, "wrong")
    assert "set-cookie" not in response.headers


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-For": OUTSIDE},
        {"X-Forwarded-For": f"192.168.1.7, {OUTSIDE}"},
        {"X-Forwarded-For": "nonsense"},
        {"X-Real-IP": "192.168.1.7"},
        {"Forwarded": "for=192.168.1.7"},
        {"Via": "1.1 proxy"},
        {"Host": "rebound.example.com:8080"},
        {"Host": "203.0.113.9:8080"},
    ],
)
def test_the_default_password_is_refused_from_outside(shared: Any, headers: dict[str, str]) -> None:
    """Behind a proxy that names a public address, or under a public name, the default opens nothing."""
    response = shared.anybody(**headers).log_in()
    assert (response.status_code, response.json()["error"]) == (403, "default_from_outside")


def test_every_line_of_a_header_counts(shared: Any) -> None:
    """Two X-Forwarded-For are one list, whichever comes first."""
    lines = [("X-Forwarded-For", "192.168.1.7"), ("X-Forwarded-For", OUTSIDE)]
    body = {"user": "bits", "password": "vari"}
    for headers in (lines, lines[::-1]):
        assert shared.anybody().post("v1/session", json=body, headers=headers).status_code == 403


def test_a_trusted_proxys_clients_are_told_apart(own: Any) -> None:
    """By the right-most untrusted address: for the default password, for guesses, and in the log."""
    change = {"changes": {"web.trusted_proxies": "127.0.0.0/8"}}
    assert own.owner().patch("v1/settings", json=change).status_code == 200
    assert own.anybody(**{"X-Forwarded-For": f"192.168.1.7, {OUTSIDE}"}).log_in().status_code == 403
    assert own.anybody(Forwarded="for=unknown").log_in().status_code == 403
    assert own.anybody().log_in().status_code == 403  # a proxy that names nobody
    guesser = {"X-Forwarded-For": "192.168.1.7, 127.0.0.1"}
    answers = [own.anybody(**guesser).log_in(f"guess {number}").status_code for number in range(6)]
    assert answers == [401] * 5 + [429]
    assert own.anybody(**{"X-Forwarded-For": "192.168.1.8"}).log_in().status_code == 204
    log = own.log.read_text()
    assert "192.168.1.7: a wrong name or password" in log
    assert "192.168.1.8: bits logged in" in log


@pytest.mark.parametrize("host", ["192.168.1.232", "[fe80::1]:8080", "han2x.local", "han2x"])
def test_the_default_password_works_under_the_homes_names(shared: Any, host: str) -> None:
    """By address, by mDNS name and by a bare name the page opens."""
    assert shared.anybody(Host=host).log_in().status_code == 204


def test_a_new_password_ends_other_sessions_and_outlives_a_restart(own: Any) -> None:
    """After a change only the new one opens, from outside too; its session lasts; no secret is in a file."""
    first, second = own.owner(), own.owner()
    change = {"password": "vari", "new_user": "kari", "new_password": "sol over fjord"}
    assert first.put("v1/user", json={**change, "password": "vary"}).status_code == 401
    assert first.put("v1/user", json=change).status_code == 204
    assert first.get("v1/session").json()["default_password"] is False
    assert second.get("v1/session").status_code == 401
    assert own.anybody().log_in().status_code == 401
    outside = own.anybody(**{"X-Forwarded-For": OUTSIDE})
    assert outside.log_in("sol over fjord", "kari").status_code == 204
    own.until(lambda: "scrypt:" in own.file.read_text())
    assert own.stop() == 0
    own.start()
    assert first.get("v1/session").json()["user"] == "kari"
    kept = (own.state / "web.json").read_text() + own.file.read_text() + own.log.read_text()
    assert "sol over fjord" not in kept
    assert next(iter(first.cookies.values())) not in kept


@pytest.mark.parametrize("new", ["short77", "vari", "x" * 257, ""])
def test_a_weak_new_password_is_refused(shared: Any, new: str) -> None:
    """It must have 8 to 256 characters; the old one stays."""
    response = shared.owner().put("v1/user", json={"password": "vari", "new_password": new})
    assert response.status_code == 422
    assert response.json()["complaints"][0]["path"] == "new_password"
    shared.owner()


def test_logging_out_ends_one_session_or_all(own: Any) -> None:
    """DELETE session ends this one, DELETE sessions every one, live events included."""
    first, second, third = own.owner(), own.owner(), own.owner()
    assert first.delete("v1/session").status_code == 204
    assert first.get("v1/meters").status_code == 401
    with third.stream("GET", "v1/events") as response:
        lines = response.iter_lines()
        assert next(lines) == "event: hello"
        assert second.delete("v1/sessions").status_code == 204
        assert len(list(lines)) < 100  # it ends
    assert third.get("v1/meters").status_code == 401


def test_other_sites_cannot_post(shared: Any) -> None:
    """Without the page's word, without JSON, or from another site nothing is changed."""
    browser = shared.owner()
    before = browser.get("v1/settings").json()
    body = {"changes": {"web.name": "taken over"}}
    word = {"X-CSRF": "0" * 32}
    assert browser.patch("v1/settings", json=body, headers=word).status_code == 403
    text = {"Content-Type": "text/plain"}
    assert browser.patch("v1/settings", content=json.dumps(body), headers=text).status_code == 415
    site = {"Sec-Fetch-Site": "cross-site"}
    assert browser.patch("v1/settings", json=body, headers=site).json()["error"] == "cross_site"
    assert shared.anybody().post("v1/session", data={"user": "bits", "password": "vari"}).status_code == 415
    assert browser.get("v1/settings").json() == before


def test_a_token_does_what_its_scope_says_until_it_is_revoked(own: Any) -> None:
    """A reading token reads, a writing one changes settings, neither makes tokens; only hashes are kept."""
    owner = own.owner()
    made = {
        scope: owner.post("v1/tokens", json={"name": scope, "scope": scope}).json()
        for scope in ("read", "write")
    }
    read, write = (own.anybody(Authorization=f"Bearer {made[scope]['token']}") for scope in ("read", "write"))
    assert read.get("v1/meters/main").status_code == 200
    body = {"changes": {"web.name": "by token"}}
    assert read.patch("v1/settings", json=body).json()["error"] == "scope"
    assert write.patch("v1/settings", json=body).json()["settings"]["web"]["name"] == "by token"
    assert write.get("v1/tokens").status_code == 403
    assert made["read"]["token"] not in (own.state / "web.json").read_text()
    listed = owner.get("v1/tokens").json()
    assert [(one["name"], one["scope"]) for one in listed] == [("read", "read"), ("write", "write")]
    assert owner.delete(f"v1/tokens/{made['read']['id']}").status_code == 204
    assert read.get("v1/meters/main").json()["error"] == "token"
    assert write.get("v1/meters").status_code == 200


def test_guesses_are_throttled_by_address(own: Any) -> None:
    """The sixth wrong guess of an address has to wait, the right password then too; others come in."""
    guesser = own.anybody()
    answers = [guesser.log_in(f"guess {number}").status_code for number in range(6)]
    assert answers == [401] * 5 + [429]
    response = guesser.log_in()
    assert response.status_code == 429
    assert 0 < response.json()["retry_s"] <= 15
    assert response.headers["retry-after"] == str(response.json()["retry_s"])
    assert own.anybody().log_in().status_code == 204


def test_certificates_are_made_and_revoked_by_the_owner(own: Any) -> None:
    """The owner makes certificates for Modbus clients and revokes them; a token that writes may not."""
    owner = own.owner()
    token = owner.post("v1/tokens", json={"name": "t", "scope": "write"}).json()["token"]
    writer = own.anybody(Authorization=f"Bearer {token}")
    assert owner.get("v1/certificates").json() == []
    made = owner.post("v1/certificates", json={"name": "Styring på hytta", "role": "read-write"}).json()
    for part in ("certificate", "ca"):
        assert made[part].startswith("-----BEGIN CERTIFICATE-----")
    assert "PRIVATE KEY" in made["key"]
    (listed,) = owner.get("v1/certificates").json()
    assert (listed["name"], listed["role"], listed["revoked"]) == ("Styring på hytta", "read-write", False)
    assert "key" not in listed
    for answer in (
        writer.get("v1/certificates"),
        writer.post("v1/certificates", json={"name": "x"}),
        writer.delete(f"v1/certificates/{made['serial']}"),
    ):
        assert answer.status_code == 403
    assert owner.delete("v1/certificates/77").status_code == 404
    assert owner.delete(f"v1/certificates/{made['serial']}").status_code == 204
    assert owner.get("v1/certificates").json()[0]["revoked"] is True
    for wrong in ({"name": ""}, {"name": "a\nb"}, {"name": "x", "days": 0}, {"name": "x", "role": "r" * 65}):
        assert owner.post("v1/certificates", json=wrong).status_code == 422


@pytest.mark.parametrize("secret", ["", "a", "x" * 5000, "%C3%A6;=", "a=b; c"])
def test_made_up_sessions_and_tokens_open_nothing(shared: Any, secret: str) -> None:
    """Whatever is in the cookie or the header."""
    name = f"han2x-{shared.web_port}"
    cookie = shared.anybody(Cookie=f"{name}={secret}")
    assert cookie.get("v1/meters").status_code == 401
    bearer = shared.anybody(Authorization=f"Bearer x{secret}")
    assert bearer.get("v1/meters").status_code == 401


def test_every_answer_carries_the_headers_that_bind_a_browser(shared: Any) -> None:
    """Also refusals and what is not there: no framing by others, no guessing of types, no other hosts."""
    for path in ("v1/session", "nothing", "v1/openapi.json", "../x"):
        headers = shared.anybody().get(path).headers
        assert headers["content-security-policy"].startswith("default-src 'self'")
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cache-control"] == "no-store"
        assert "server" not in headers
