"""The page's certificate in time: ours is made anew at its end, one's own is said to have expired."""

import asyncio
import ssl
import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from han2x.model.timekeeping import FIRST_S
from han2x.settings.schema import Page
from han2x.web import certificate
from han2x.web.certificate import Pair, pair_of

OURS = Page(host="127.0.0.1", port=0, tls=True, cert_file="", key_file="")
NOW = datetime.now(UTC)
NOW_S = max(int(NOW.timestamp()), FIRST_S)


def make(folder: Path, begin: timedelta, end: timedelta) -> None:
    """A pair that is valid from so long after now to so long after it."""
    config, at = folder / "ca.cnf", folder / "ca"
    at.mkdir()
    (at / "index").touch()
    config.write_text(
        f"[ca]\ndefault_ca=x\n[x]\ndatabase={at}/index\nnew_certs_dir={at}\nrand_serial=yes\n"
        "default_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n"
    )
    key, request, made = folder / "web-key.pem", at / "request", folder / "web-cert.pem"
    dates = [f"{datetime.fromtimestamp(NOW_S, UTC) + by:%Y%m%d%H%M%SZ}" for by in (begin, end)]
    anew = "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=x"
    signing = f"ca -batch -selfsign -notext -startdate {dates[0]} -enddate {dates[1]}"
    for words in (
        (*anew.split(), "-keyout", key, "-out", request),
        (*signing.split(), "-config", config, "-keyfile", key, "-in", request, "-out", made),
    ):
        subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)


def pair(section: Page, state: Path, now_s: int = NOW_S) -> tuple[Pair, list[str]]:
    said: list[str] = []
    return asyncio.run(pair_of(section, state, said.append, now_s)), said


DAY, YEAR = timedelta(days=1), timedelta(days=365)


@pytest.mark.parametrize(
    ("begin", "end", "anew"),
    [
        (-YEAR, -DAY, True),
        (-YEAR, timedelta(hours=1), True),
        (YEAR, 2 * YEAR, True),
        (-YEAR, YEAR, False),
        (timedelta(hours=2), YEAR, False),
    ],
    ids=["expired", "about to", "of the future", "valid", "made by a clock ahead"],
)
def test_ours_is_made_anew(
    tmp_path: Path, begin: timedelta, end: timedelta, anew: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """Where its dates are wrong, with a line in the log; it is no damaged file. The new one is valid."""
    make(tmp_path, begin, end)
    before = (tmp_path / "web-cert.pem").read_bytes()
    found, said = pair(OURS, tmp_path)
    assert (found.notice, said) == ("", [])
    assert ((tmp_path / "web-cert.pem").read_bytes() != before) is anew
    assert ("another is made" in caplog.text) is anew
    assert not list(tmp_path.glob("*.damaged-*"))
    after = (tmp_path / "web-cert.pem").read_bytes()
    assert pair(OURS, tmp_path)[0].notice == ""
    assert (tmp_path / "web-cert.pem").read_bytes() == after


@pytest.mark.parametrize(
    ("begin", "end", "notice"),
    [
        (-YEAR, -2 * DAY, "has expired on"),
        (2 * DAY, YEAR, "is not valid before"),
        (-YEAR, DAY, ""),
    ],
)
def test_of_ones_own_it_is_said(tmp_path: Path, begin: timedelta, end: timedelta, notice: str) -> None:
    """It is served all the same, and nothing of it is touched."""
    own, state = tmp_path / "own", tmp_path / "state"
    own.mkdir()
    state.mkdir()
    make(own, begin, end)
    before = {path.name: path.read_bytes() for path in own.glob("*.pem")}
    section = replace(OURS, cert_file=str(own / "web-cert.pem"), key_file=str(own / "web-key.pem"))
    found, said = pair(section, state)
    assert notice in found.notice
    assert bool(notice) == bool(found.notice)
    assert isinstance(found.context, ssl.SSLContext)
    assert said == []
    assert {path.name: path.read_bytes() for path in own.glob("*.pem")} == before
    assert not list(state.iterdir())


def test_a_clock_that_was_never_set_judges_nothing(tmp_path: Path) -> None:
    """A machine that has just started in 1970 makes no certificate that is wrong an hour later."""
    make(tmp_path, -DAY, YEAR)
    before = (tmp_path / "web-cert.pem").read_bytes()
    for now_s in (0, FIRST_S - 1):
        pair(OURS, tmp_path, now_s)
    assert (tmp_path / "web-cert.pem").read_bytes() == before


def test_it_is_renewed_while_it_is_served(tmp_path: Path) -> None:
    """Another moment, after its end, brings another pair of the same directory."""
    first, _ = pair(OURS, tmp_path)
    before = (tmp_path / "web-cert.pem").read_bytes()
    later = NOW_S + certificate.DAYS * 86_400 + 60
    second, _ = pair(OURS, tmp_path, later)
    assert second.context is not first.context
    assert (tmp_path / "web-cert.pem").read_bytes() != before
