"""`han2x decode` and `han2x listen` as processes: what they print of which input, and their exit statuses.

The input is made of the synthetic telegrams in `tests/simulator/vectors.txt`.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

VECTORS = {
    name: bytes.fromhex(octets)
    for line in (Path(__file__).parents[1] / "simulator" / "vectors.txt").read_text().splitlines()
    if not line.startswith("#") and line
    for name, octets in [line.split()]
}
FAST, WHOLE = VECTORS["AID-L1"], VECTORS["AID-L3-3w"]
BAD = FAST[:-4] + b"\xff" + FAST[-3:]
GOOD_KEYS = ["file", "offset", "length", "vendor", "list", "framing", "values"]
BAD_KEYS = ["file", "offset", "length", "kind", "rejected"]


def han2x(*words: str, octets: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "han2x", *words]
    return subprocess.run(command, input=octets, capture_output=True, timeout=30, check=False)


def rows(done: subprocess.CompletedProcess[bytes]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "raw.bin").write_bytes(FAST + WHOLE)
    (tmp_path / "hex.txt").write_text((FAST + WHOLE).hex(" ", 1))
    (tmp_path / "bad.bin").write_bytes(b"noise" + BAD + FAST)
    (tmp_path / "noise.bin").write_bytes(b"nothing but noise")
    (tmp_path / "empty").touch()
    return tmp_path


def test_json_has_a_line_for_each_telegram(files: Path) -> None:
    """Each line is an object with these keys in this order, and the telegram's values."""
    path = str(files / "raw.bin")
    done = han2x("decode", "--json", path)
    assert (done.returncode, done.stderr) == (0, b"")
    fast, whole = rows(done)
    assert (list(fast), list(whole)) == (GOOD_KEYS, GOOD_KEYS)
    assert fast == {
        "file": path,
        "offset": 0,
        "length": 44,
        "vendor": "aidon",
        "list": "1",
        "framing": "hdlc",
        "values": {"act_pow_pos_w": 1234},
    }
    assert (whole["offset"], whole["length"], whole["list"]) == (44, 377, "3")
    assert whole["values"]["act_energy_pos_wh"] == 12_345_670
    assert whole["values"]["curr_l1_a"] == 5.2
    assert whole["values"]["volt_l1_v"] == 231.2
    assert whole["values"]["meter_id"] == "7359990000000017"
    assert whole["values"]["meter_clock"] == "2025-12-14T16:00:00"


def test_json_has_a_line_for_what_was_rejected(files: Path) -> None:
    """Damage has its place, its kind and its reason; the telegram behind it is decoded."""
    done = han2x("decode", "--json", str(files / "bad.bin"))
    assert done.returncode == 0
    noise, bad, good = rows(done)
    assert (list(noise), list(bad), list(good)) == (BAD_KEYS, BAD_KEYS, GOOD_KEYS)
    assert (noise["offset"], noise["length"], noise["kind"]) == (0, 5, "noise")
    assert (bad["offset"], bad["length"], bad["kind"]) == (5, 44, "checksum")
    assert (good["offset"], good["values"]) == (49, {"act_pow_pos_w": 1234})


P1_LINES = """/SIM5\\text

1-0:1.8.1(000012.345*kWh)
1-0:1.8.2(000000.005*kWh)
1-0:2.8.0(000001.000*kWh)
1-0:2.8.1(000000.400*kWh)
1-0:1.7.0(00.0355*kW)
1-0:32.7.0(230.1*V)
1-0:32.7.0(229.9*V)
1-0:52.7.0(231.0*A)
1-0:1.8.0*96(000011.000*kWh)
1-0:99.98.7(1)
!"""


def p1_text() -> bytes:
    """Tariffs, fractions, a voltage sent twice, one with a wrong unit, a past value and an unknown code."""
    octets = P1_LINES.replace("\n", "\r\n").encode("ascii")
    crc = 0
    for octet in octets:
        crc ^= octet
        for _ in range(8):
            crc = crc >> 1 ^ (0xA001 if crc & 1 else 0)
    return octets + b"%04X\r\n" % crc


def test_json_tells_what_was_added_up_and_what_was_not_used() -> None:
    done = han2x("decode", "--json", octets=p1_text())
    assert done.returncode == 0
    (row,) = rows(done)
    assert row["values"] == {
        "act_pow_pos_w": 35.5,
        "act_energy_pos_wh": 12_350,
        "act_energy_neg_wh": 1000,
    }
    assert row["parts"] == {"act_energy_pos_wh": [1, 2]}
    assert row["not_used"] == [
        "1-0:32.7.0: sent twice with different values",
        "1-0:52.7.0: no number with a unit of its own",
    ]
    assert row["not_decoded"] == ["1-0:1.8.0*96", "1-0:99.98.7"]


def test_every_key_is_explained() -> None:
    """What `decode --json` may answer is in its table in docs."""
    docs = (Path(__file__).parents[2] / "docs" / "decode.md").read_text("utf-8")
    (row,) = rows(han2x("decode", "--json", octets=p1_text()))
    keys = {*row, *row["values"], *BAD_KEYS}
    assert {key for key in keys if f"`{key}`" not in docs} == set()
    tree = han2x("decode", octets=p1_text()).stdout.decode()
    assert "added up from" in tree
    assert "act_energy_pos_wh: 1, 2" in tree


@pytest.mark.parametrize("form", ["raw", "hex", "hex with 0x", "upper hex lines"])
@pytest.mark.parametrize("words", [[], ["-"]])
def test_standard_input_is_read_in_any_form(form: str, words: list[str]) -> None:
    """Raw octets or hex text, piped in, are the same telegrams."""
    whole = FAST + WHOLE
    octets = {
        "raw": whole,
        "hex": whole.hex().encode(),
        "hex with 0x": ", ".join(f"0x{octet:02x}" for octet in whole).encode(),
        "upper hex lines": b"\r\n".join(
            whole[at : at + 16].hex(" ").upper().encode() for at in range(0, len(whole), 16)
        ),
    }[form]
    done = han2x("decode", "--json", *words, octets=octets)
    assert done.returncode == 0
    assert [(row["file"], row["offset"], row["list"]) for row in rows(done)] == [
        ("-", 0, "1"),
        ("-", 44, "3"),
    ]


def test_several_files_each_by_itself(files: Path) -> None:
    """Offsets begin anew with each file; raw and hex may be mixed."""
    names = [str(files / name) for name in ("raw.bin", "hex.txt")]
    done = han2x("decode", "--json", *names)
    assert done.returncode == 0
    assert [(row["file"], row["offset"]) for row in rows(done)] == [(n, at) for n in names for at in (0, 44)]


@pytest.mark.parametrize(
    ("names", "status", "said"),
    [
        (["raw.bin"], 0, ""),
        (["bad.bin"], 0, ""),
        (["empty"], 1, ""),
        (["noise.bin"], 1, ""),
        (["raw.bin", "noise.bin"], 1, ""),
        (["missing"], 2, "missing cannot be read: No such file or directory"),
        (["."], 2, " cannot be read: Is a directory"),
        (["missing", "raw.bin"], 2, "missing cannot be read: No such file or directory"),
        (["missing", "empty"], 2, "missing cannot be read: No such file or directory"),
    ],
)
@pytest.mark.parametrize("options", [[], ["--json"]])
def test_the_exit_status_tells(
    files: Path, names: list[str], status: int, said: str, options: list[str]
) -> None:
    """0: all files held telegrams; 1: one did not; 2: one could not be read, and the others were decoded."""
    done = han2x("decode", *options, *(str(files / name) for name in names))
    assert done.returncode == status
    assert said in done.stderr.decode()
    assert (b"" if said else done.stderr) == b""
    assert b"Traceback" not in done.stderr
    if "raw.bin" in names:
        assert b"12345670" in done.stdout


def test_people_get_a_tree(files: Path) -> None:
    """Without --json a telegram is a headline and its values with units, and the end a sum."""
    text = han2x("decode", str(files / "bad.bin"), str(files / "raw.bin")).stdout.decode()
    assert "offset 49, 44 octets, HDLC: aidon list 1\n└─ active power import     1234 W\n" in text
    assert "offset 5, 44 octets: rejected: the frame check sequence (FCS) is wrong" in text
    assert f"{files / 'bad.bin'}: 1 decoded, 2 rejected\n" in text
    assert "├─ voltage L1              231.2 V\n" in text
    assert "2025-12-14 16:00:00" in text


def test_listen_to_a_recording(files: Path) -> None:
    """Each telegram is a line, the end a diagnosis; good telegrams are status 0."""
    done = han2x("listen", f"replay:{files / 'raw.bin'}?speed=max")
    text = done.stdout.decode()
    assert (done.returncode, done.stderr) == (0, b"")
    assert text.splitlines()[0] == "aidon list 1: active power import 1234 W"
    assert "-- Good telegrams arrive (421 octets, the last 0 s ago, 2 good telegrams). Nothing to do." in text


@pytest.mark.parametrize(
    ("octets", "said"),
    [
        (bytes(3000), "-- Bytes arrive, but no frames ("),
        (BAD * 3, "-- Frames arrive with wrong checksums ("),
        (VECTORS["AID-L2-3w"][:200], "-- Frames arrive with wrong checksums ("),
        (b"", "-- Listening (nothing received at all)."),
    ],
)
def test_listen_to_what_is_not_good(tmp_path: Path, octets: bytes, said: str) -> None:
    """Nothing good is status 1, with the diagnosis and the next step."""
    (tmp_path / "dump").write_bytes(octets)
    done = han2x("listen", f"replay:{tmp_path / 'dump'}?speed=max")
    assert (done.returncode, done.stderr) == (1, b"")
    assert said in done.stdout.decode()


def test_listen_for_a_while() -> None:
    """--seconds ends the listening, and what came until then is judged."""
    done = han2x("listen", "simulate:kaifa?speed=1000", "--seconds", "2")
    assert done.returncode == 0
    assert b"kaifa list 2: " in done.stdout
    assert b"-- Good telegrams arrive" in done.stdout
