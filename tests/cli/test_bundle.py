"""`--key`, `han2x record` and `han2x bundle` as processes: what they write, and what never leaves."""

import json
import os
import stat
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from han2x.simulator.cipher import AUTHENTICATION_KEY, ENCRYPTION_KEY

from ..conftest import VECTORS, p1_text

KEY, AUTH_KEY = ENCRYPTION_KEY.hex(), AUTHENTICATION_KEY.hex()
OTHER = "4A" * 16
WHOLE, SEALED = VECTORS["AID-L3-3w"], VECTORS["KAM-L1-3-GLO"]
NUMBER = b"7359990000000017"


def han2x(*words: str, octets: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "han2x", *words]
    return subprocess.run(command, input=octets, capture_output=True, timeout=30, check=False)


def rows(octets: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in octets.splitlines()]


def test_decode_with_keys() -> None:
    """An encrypted telegram says what the plain one says."""
    done = han2x("decode", "--json", "--key", KEY, "--auth-key", AUTH_KEY, octets=SEALED)
    plain = han2x("decode", "--json", octets=VECTORS["KAM-L1-3"])
    assert done.returncode == 0
    assert rows(done.stdout)[0]["values"] == rows(plain.stdout)[0]["values"]
    assert "notes" not in rows(done.stdout)[0]


def test_decode_with_one_key() -> None:
    """Without the second key the telegram is read, and that it was not checked is said."""
    (row,) = rows(han2x("decode", "--json", "--key", KEY, octets=SEALED).stdout)
    assert row["values"]["act_pow_pos_w"] == 1234
    assert "tag is not checked" in row["notes"][0]
    assert b"tag is not checked" in han2x("decode", "--key", KEY, octets=SEALED).stdout


@pytest.mark.parametrize("words", [("--key", "00FF"), ("--key", "x" * 32), ("--auth-key", KEY)], ids=str)
@pytest.mark.parametrize(
    "command", [("decode",), ("listen", "replay:none"), ("run", "--settings", "none")], ids=str
)
def test_what_is_no_key(command: tuple[str, ...], words: tuple[str, ...]) -> None:
    """A key that is none is refused in a sentence that does not repeat it."""
    done = han2x(*command, *words)
    assert done.returncode == 2
    assert b"32 hex digits" in done.stderr or b"needs --key" in done.stderr
    assert words[1].encode() not in done.stderr


def test_without_aes(tmp_path: Path) -> None:
    """Where the library for AES is missing, a key gets a sentence that says what to install."""
    (tmp_path / "cryptography").mkdir()
    (tmp_path / "cryptography" / "__init__.py").write_text("raise ImportError('hidden by the test')")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    for command in (("decode", "-"), ("listen", "replay:none")):
        words = [sys.executable, "-m", "han2x", *command, "--key", KEY]
        done = subprocess.run(
            words, input=SEALED, capture_output=True, timeout=30, check=False, env=environment
        )
        assert done.returncode == 2
        assert b"install han2x[crypto]" in done.stderr
        assert b"Traceback" not in done.stderr


@pytest.fixture
def dump(tmp_path: Path) -> Path:
    (tmp_path / "dump.bin").write_bytes(WHOLE + b"noise" + SEALED)
    return tmp_path / "dump.bin"


def test_listen_with_keys(dump: Path) -> None:
    """`listen` opens them as well."""
    done = han2x("listen", f"replay:{dump}?speed=max", "--key", KEY)
    assert b"kamstrup list 2: active power import 1234 W" in done.stdout


def test_record_and_decode(dump: Path, tmp_path: Path) -> None:
    """What is recorded decodes as the source itself does, and is its owner's alone."""
    file = tmp_path / "a.rec"
    done = han2x("record", f"replay:{dump}?speed=max", "--file", str(file))
    assert done.returncode == 0, done.stderr
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    first, second = file.read_bytes().splitlines()[:2]
    assert first == b"han2x recording 1"
    assert second.split()[1].startswith(b"7ea177")
    told = [{**row, "file": ""} for row in rows(han2x("decode", "--json", str(file)).stdout)]
    assert told == [{**row, "file": ""} for row in rows(han2x("decode", "--json", str(dump)).stdout)]
    again = han2x("record", f"replay:{dump}?speed=max", "--file", str(file))
    assert again.returncode == 2
    assert b"exists and would be overwritten. Name a new file, or give --force" in again.stderr


def test_record_around_errors(tmp_path: Path) -> None:
    """With --on-error nothing is written while all is well; then what came before and after is."""
    good, bad = tmp_path / "good.bin", tmp_path / "bad.bin"
    good.write_bytes(WHOLE * 20)
    bad.write_bytes(WHOLE * 20 + WHOLE[:200] + b"\xff" + WHOLE[201:] + VECTORS["KFM-L1"])
    for source, telegrams in ((good, 0), (bad, 21)):
        file = source.with_suffix(".rec")
        done = han2x("record", f"replay:{source}?speed=max", "--file", str(file), "--on-error")
        told = rows(han2x("decode", "--json", str(file)).stdout)
        assert sum("values" in row for row in told) == telegrams
        assert (b"kept:" in done.stderr) is (telegrams > 0)


def test_a_bundle(dump: Path, tmp_path: Path) -> None:
    """A bundle holds a recording that decodes to the same values, and neither numbers nor keys."""
    file = tmp_path / "b.zip"
    done = han2x("bundle", str(dump), "--file", str(file), "--key", KEY, "--auth-key", AUTH_KEY)
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(file) as bundle:
        content = {name: bundle.read(name) for name in bundle.namelist()}
    assert set(content) == {"README.txt", "capture.rec", "decode.jsonl", "about.json"}
    about = json.loads(content["about.json"])
    assert (about["good"], about["octets"]) == (2, len(WHOLE) + 5 + len(SEALED))
    told = rows(content["decode.jsonl"])
    original = rows(han2x("decode", "--json", "--key", KEY, "--auth-key", AUTH_KEY, str(dump)).stdout)
    for row, old in zip(told, original, strict=True):
        if "values" in old:
            assert row["values"].pop("meter_id") != old["values"].pop("meter_id")
            assert row["values"] == old["values"]
    capture = tmp_path / "capture.rec"
    capture.write_bytes(content["capture.rec"])
    keys = about["keys"]
    replayed = han2x("decode", "--json", "--key", keys["key"], "--auth-key", keys["auth_key"], str(capture))
    assert sum("values" in row for row in rows(replayed.stdout)) == 2
    everything = b"".join(content.values())
    for secret in (NUMBER, NUMBER.hex().encode(), b"5706567200000017", b"KAM\x45\x01\0\0\x11".hex().encode()):
        assert secret not in everything
    listened = han2x("listen", f"replay:{capture}?speed=max")
    assert b"aidon list 3" in listened.stdout


def test_the_given_keys_are_in_no_bundle(tmp_path: Path) -> None:
    """Keys that are tried and do not fit do not leak either."""
    (tmp_path / "dump.bin").write_bytes(p1_text({"1.7.0": "1*kW"}))
    file = tmp_path / "b.zip"
    assert han2x("bundle", str(tmp_path / "dump.bin"), "--file", str(file), "--key", OTHER).returncode == 0
    with zipfile.ZipFile(file) as bundle:
        everything = b"".join(bundle.read(name) for name in bundle.namelist())
    assert OTHER.encode() not in everything
    assert OTHER.lower().encode() not in everything


def test_settings_show_no_keys(tmp_path: Path) -> None:
    """`han2x settings` says that keys are set, and shows them only when asked."""
    file = tmp_path / "han2x.toml"
    file.write_text(f'[[meters]]\nname = "main"\nkey = "{OTHER}"\n')
    assert OTHER.encode() not in han2x("settings", str(file)).stdout
    assert OTHER.encode() in han2x("settings", "--secrets", str(file)).stdout
    file.write_text(f'[[meters]]\nname = "main"\nkey = "{OTHER}0"\n')
    refused = han2x("settings", str(file))
    assert refused.returncode == 2
    assert OTHER.encode() not in refused.stderr
