"""Lists without codes that the owner has taught: from the settings to readings; invented numbers."""

import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from han2x.cli import main
from han2x.intake.explain import explain
from han2x.model.quantity import Quantity as Q
from han2x.model.reading import Reading
from han2x.settings.amend import amend, from_table, removed, without_contradictions
from han2x.settings.complaint import Refused
from han2x.settings.lists import TaughtList
from han2x.settings.schema import Settings
from han2x.vendors.decoder import Decoder
from han2x.vendors.decoding_options import Manner
from han2x.wire.axdr import Array, Data, Structure
from han2x.wire.result import Apdu, Discarded, Framing

Encode = Callable[[Data], bytes]
NOON = bytes.fromhex("07E90C0E070C0000FF800000")

SHAPES: dict[str, tuple[TaughtList, Structure, dict[Q, int]]] = {
    "fourteen numbers behind two names": (
        TaughtList(
            name="SI 1",
            pattern="tt" + "n" * 4,
            codes="- 96.1.0 1.7.0 2.7.0 32.7.0 31.7.0",
            factors="- - 1 1 0.1 0.01",
        ),
        Structure((b"ISK1030000000017", b"17000017", 1393, 0, 2379, 103)),
        {Q.ACT_POW_POS: 1393, Q.ACT_POW_NEG: 0, Q.VOLT_L1: 237_900, Q.CURR_L1: 1030},
    ),
    "energies in kWh and a clock": (
        TaughtList(name="SI 2", pattern="cnnb", codes="1.0.0 1.8.0 2.8.0 -", factors="- 1000 10 -"),
        Structure((NOON, 1254, 17, True)),
        {Q.ACT_ENERGY_POS: 1_254_000, Q.ACT_ENERGY_NEG: 170},
    ),
    "an array and a text": (
        TaughtList(name="SI 3", pattern="vnan", codes="96.1.0 1.7.0 - 52.7.0", factors="- 0.5 - 0.01"),
        Structure(("17000017", 7, Array((9400,)), 23_456)),
        {Q.ACT_POW_POS: 3, Q.VOLT_L2: 234_560},
    ),
}


def decoded(body: bytes, *lists: TaughtList) -> Reading | Discarded:
    message = b"\x0f\0\0\0\0\0" + body
    return Decoder(None, Manner(lists=lists)).decode(Apdu(message, Framing.HDLC, 0, len(message)))


@pytest.mark.parametrize("shape", SHAPES)
def test_a_taught_list(encode: Encode, shape: str) -> None:
    """Unknown before, and read by its table after: among other tables, and by its own only."""
    taught, body, values = SHAPES[shape]
    before = decoded(encode(body))
    assert isinstance(before, Discarded)
    assert before.reason == (
        f"a list of {len(body)} values that no table explains; it can be taught in the settings, "
        f"pattern {taught.pattern}"
    )
    reading = decoded(encode(body), *(one for one, _, _ in SHAPES.values()))
    assert isinstance(reading, Reading), reading
    assert (reading.vendor, reading.values) == (taught.name, values)


def test_what_only_some_meters_send(encode: Encode) -> None:
    """Phases, frequency, power factor and tariffs, each by its own factor; net power either way."""
    taught = TaughtList(
        name="x",
        pattern="nnnnnnnzfs",
        codes="16.7.0 21.7.0 14.7.0 13.7.0 1.8.1 1.8.2 2.8.1 - - -",
        factors="10 0.1 0.01 0.001 1000 1 0.5 - - -",
    )
    body = Structure((-42, 4217, 4998, 981, 12, 345, 7, None, 1.5, Structure((1,))))
    reading = decoded(encode(body), taught)
    assert isinstance(reading, Reading), reading
    assert reading.values == {
        Q.ACT_POW_POS: 0, Q.ACT_POW_NEG: 420, Q.ACT_POW_POS_L1: 421, Q.FREQUENCY: 49_980, Q.POWER_FACTOR: 981,
        Q.ACT_ENERGY_POS: 12_345, Q.ACT_ENERGY_NEG: 3,
    }  # fmt: skip


def test_without_a_factor(encode: Encode) -> None:
    """A value whose factor is not told is refused, and named."""
    taught = TaughtList(name="x", pattern="cnn", codes="- 1.7.0 1.8.0", factors="- 1 -")
    reading = decoded(encode(Structure((NOON, 5, 6))), taught)
    assert isinstance(reading, Reading)
    assert (reading.values, reading.unknown) == ({Q.ACT_POW_POS: 5}, ("1-0:1.8.0",))


def test_a_table_that_comes_with_the_program_goes_before(encode: Encode) -> None:
    """What is known needs no teaching, and cannot be taught otherwise."""
    taught = TaughtList(
        name="x", pattern="cnnnnnnnn", codes="- 1.7.0 - - - - - - -", factors="- 1 - - - - - - -"
    )
    reading = decoded(encode(Structure((NOON, *range(1, 9)))), taught)
    assert isinstance(reading, Reading)
    assert reading.values[Q.ACT_ENERGY_POS] == 1


ROW = {"pattern": "cn", "codes": "1.0.0 1.8.0", "factors": "- 1"}


def test_in_the_settings() -> None:
    """A table of three lines; it may be removed again, to the last."""
    settings = from_table({"lists": [ROW]})
    assert isinstance(settings, Settings)
    assert settings.lists[0].complete
    without = removed(settings, "lists", 0)
    assert isinstance(without, Settings)
    assert without == Settings()


@pytest.mark.parametrize(
    "change",
    [
        {"pattern": "cnn"},
        {"codes": "1.8.0"},
        {"factors": "-"},
        {"pattern": "xy"},
        {"codes": "1.0.0 1.8.256"},
        {"codes": "1.0.0  1.8.0"},
        {"factors": "- -1"},
        {"factors": "- 1e3"},
        {"pattern": "n" * 65},
    ],
    ids=str,
)
def test_what_is_no_list(change: dict[str, str]) -> None:
    """Each value needs its code and its factor; another letter, code or number is refused."""
    result = from_table({"lists": [{**ROW, **change}]})
    result = without_contradictions(result) if isinstance(result, Settings) else result
    assert isinstance(result, Refused)
    assert result.complaints[0].path.startswith("lists.0.")
    settings = from_table({"lists": [ROW]})
    assert isinstance(settings, Settings)
    assert isinstance(amend(settings, {f"lists.0.{key}": value for key, value in change.items()}), Refused)


def test_on_the_command_line(encode: Encode, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`decode` reads a list by the table of a settings file, and by the one that the bundle took along."""
    taught, body, _ = SHAPES["energies in kWh and a clock"]
    message = b"\x0f\0\0\0\0\0" + encode(body)
    recording, lists, bundle = tmp_path / "a.bin", tmp_path / "a.toml", tmp_path / "a.zip"
    recording.write_bytes(message)
    keys = ("name", "pattern", "codes", "factors")
    lists.write_text("[[lists]]\n" + "".join(f'{key} = "{getattr(taught, key)}"\n' for key in keys), "utf-8")
    assert main(["decode", "--json", str(recording)]) == 1
    assert main(["decode", "--json", "--lists", str(lists), str(recording)]) == 0
    assert '"act_energy_pos_wh": 1254000' in capsys.readouterr().out
    assert main(["bundle", "--lists", str(lists), "--file", str(bundle), str(recording)]) == 0
    with zipfile.ZipFile(bundle) as packed:
        assert b'"act_energy_pos_wh": 1254000' in packed.read("decode.jsonl")
        (tmp_path / "lists.toml").write_bytes(packed.read("lists.toml"))
    assert main(["decode", "--json", "--lists", str(tmp_path / "lists.toml"), str(recording)]) == 0
    for codes, said in (("1.0.0 1.8.0 9.9.9 -", "means nothing"), ("- - - -", "none of the codes")):
        row = {"pattern": taught.pattern, "codes": codes, "factors": "- 1 1 -"}
        lists.write_text("[[lists]]\n" + "".join(f'{key} = "{one}"\n' for key, one in row.items()), "utf-8")
        assert main(["decode", "--lists", str(lists), str(recording)]) == 2
        assert said in capsys.readouterr().err
        assert main(["settings", str(lists)]) == 0  # a file by hand is used as far as it goes
        assert said in capsys.readouterr().err
    lists.write_text('[[lists]]\npattern = "x"\n', "utf-8")
    assert main(["decode", "--lists", str(lists), str(recording)]) == 2
    assert "lists.0.pattern" in capsys.readouterr().err


def test_octet_by_octet(encode: Encode) -> None:
    """The page explains the values of a taught list in their places."""
    taught, body, _ = SHAPES["energies in kWh and a clock"]
    parts = explain(b"\x0f\0\0\0\0\0" + encode(body), (taught,))
    assert ("active energy import", "1254000 Wh", "1-0:1.8.0") in [(p.text, p.value, p.obis) for p in parts]
