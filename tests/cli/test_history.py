"""`han2x history`: what goes out and comes in, by its output and exit status."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from han2x.cli import NO, OK, WRONG, main
from han2x.history.batch import Batch, Mark
from han2x.history.rows import MEASURED, MINUTE_S, Row
from han2x.history.store import Store
from han2x.model.hours import Register
from han2x.model.quantity import Quantity

HOUR = 3600
T0 = 1_767_222_000  # 2026-01-01T00:00:00+01:00
A_POS, A_NEG = Quantity.ACT_ENERGY_POS, Quantity.ACT_ENERGY_NEG

Run = Callable[..., tuple[int, str, str]]


def row(start: int, span_s: int = 10) -> Row:
    values = {Quantity.ACT_POW_POS: 1234, Quantity.CURR_L1: 5210, Quantity.VOLT_L1: 231_200}
    return Row(start, span_s, span_s, 2000, 1200, 1300, tuple(values.get(q) for q in MEASURED))


@pytest.fixture
def han2x(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """The command on a history of three hours, 1 and 2 kWh and one of 3 in power, by a factor of two."""
    settings = tmp_path / "han2x.toml"
    settings.write_text('[[meters]]\nsource = "serial:auto"\nscale = 2000\n')
    store = Store(tmp_path / "history.sqlite")
    marks = [
        Mark("main", "A", Register(T0 + n * HOUR, {A_POS: wh, A_NEG: 0}), 2000)
        for n, wh in ((0, 0), (1, 500), (2, 1500))
    ]
    minutes = [
        Row(T0 + 2 * HOUR + s, MINUTE_S, 60, 2000, 1500, 1500, (1500, 0, *[None] * 8))
        for s in range(0, HOUR, 60)
    ]
    store.write(Batch([("main", row(T0)), *(("main", minute) for minute in minutes)], marks))
    store.close()

    def run(action: str, *words: object) -> tuple[int, str, str]:
        places = ["--settings", str(settings), "--state", str(tmp_path)]
        status = main(["history", *places, action, *map(str, words)])
        told = capsys.readouterr()
        return status, told.out, told.err

    return run


def test_export_of_hours_as_csv(han2x: Run) -> None:
    """Hours in local time with the offset, scaled, with their basis; unknown is empty."""
    status, out, _ = han2x("export")
    head, *lines = out.splitlines()
    assert status == OK
    assert head == (
        "start,end,unix,basis,act_energy_pos_wh,act_energy_neg_wh,react_energy_pos_varh,react_energy_neg_varh,"
        "drift_act_energy_pos_wh,drift_act_energy_neg_wh,drift_react_energy_pos_varh,drift_react_energy_neg_varh"
    )
    assert lines == [
        f"2026-01-01T00:00:00+01:00,2026-01-01T01:00:00+01:00,{T0},metered,1000,0,,,,,,",
        f"2026-01-01T01:00:00+01:00,2026-01-01T02:00:00+01:00,{T0 + HOUR},metered,2000,0,,,,,,",
        f"2026-01-01T02:00:00+01:00,2026-01-01T03:00:00+01:00,{T0 + 2 * HOUR},estimated,3000,0,,,,,,",
    ]


def test_export_of_a_day_as_json(han2x: Run) -> None:
    """A day is the sum of its hours, with the count of hours by basis and of those that are missing."""
    status, out, _ = han2x("export", "--resolution", "day", "--format", "json")
    (day,) = json.loads(out)
    assert status == OK
    assert day["start"] == "2026-01-01T00:00:00+01:00"
    assert day["end"] == "2026-01-02T00:00:00+01:00"
    assert (day["act_energy_pos_wh"], day["react_energy_pos_varh"]) == (6000, None)
    counts = {key: value for key, value in day.items() if key.startswith("hours_")}
    assert counts == {
        "hours_metered": 2,
        "hours_spread": 0,
        "hours_uncertain": 0,
        "hours_estimated": 1,
        "hours_imported": 0,
        "hours_missing": 21,
    }


def test_export_of_ten_seconds_is_scaled_in_display_units(han2x: Run) -> None:
    """Power and current by the factor, voltage not; A and V with their decimals."""
    _, out, _ = han2x("export", "--resolution", "10s", "--format", "json")
    (found,) = json.loads(out)
    assert (found["act_pow_pos_w"], found["net_pow_min_w"], found["net_pow_max_w"]) == (2468, 2400, 2600)
    assert found["sure"] == 1
    assert (found["curr_l1_a"], found["volt_l1_v"], found["curr_l2_a"]) == (10.42, 231.2, None)


@pytest.mark.parametrize(
    ("words", "count"),
    [
        (("--from", "2026-01-01T01:00"), 2),
        (("--to", "2026-01-01T01:00+01:00"), 1),
        (("--from", "2026-01-01", "--to", "2026-01-02"), 3),
    ],
)
def test_export_of_a_part(han2x: Run, words: tuple[str, ...], count: int) -> None:
    """From a day or moment on, to before another; local time unless it has its offset."""
    status, out, _ = han2x("export", *words)
    assert (status, len(out.splitlines()) - 1) == (OK, count)


@pytest.mark.parametrize(("form", "out"), [("json", "[]\n"), ("csv", None)])
def test_export_of_nothing_says_no(han2x: Run, form: str, out: str | None) -> None:
    """Where nothing is known the file is still whole, and the exit status is 1."""
    status, said, _ = han2x("export", "--from", "2027-01-01", "--format", form)
    assert status == NO
    assert out is None or said == out


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("export", "--from", "yesterday"), "'yesterday' is no day or time"),
        (("export", "--meter", "cabin"), "nothing is known of a meter cabin: there are main"),
        (("import", "/nowhere.csv"), "/nowhere.csv cannot be read: No such file"),
        (("import", "/nowhere.csv", "--meter", "cabin"), "there is no meter cabin in"),
        (("backup", "/nowhere/copy.sqlite"), "/nowhere/copy.sqlite cannot be written"),
    ],
)
def test_wrong_call_is_explained(han2x: Run, words: tuple[str, ...], complaint: str) -> None:
    """What cannot be done is said in a sentence, with exit status 2."""
    status, _, err = han2x(*words)
    assert status == WRONG
    assert complaint in err


def test_import_fills_gaps_and_compares(han2x: Run, tmp_path: Path) -> None:
    """Hours before and after are taken, metered ones stay, and what differs is printed hour by hour."""
    hours = [
        "31.12.2025 23:00;;0,700",
        "01.01.2026 00:00;;1,000",
        "01.01.2026 01:00;;2,015",
        "01.01.2026 02:00;;3,3",
    ]
    file = tmp_path / "elhub.csv"
    file.write_text("\n".join(["\ufeffFra;Til;KWH 60 Forbruk", *hours]), "utf-8")
    status, out, err = han2x("import", file)
    assert status == OK
    assert out.splitlines() == [
        "start,quantity,metered,imported,difference",
        "2026-01-01T01:00:00+01:00,act_energy_pos_wh,2000,2015,15",
    ]
    assert (
        "4 hours read, 2 taken where none was metered. 2 were, 1 of them otherwise: 3000 Wh metered, 3015"
        in err
    )
    _, out, _ = han2x("export")
    assert [line.split(",")[3:5] for line in out.splitlines()[1:]] == [
        ["imported", "700"],
        ["metered", "1000"],
        ["metered", "2000"],
        ["imported", "3300"],
    ]


def test_import_and_export_of_energy_may_come_in_a_file_each(han2x: Run, tmp_path: Path) -> None:
    """Consumption and production of the same hours from two files stand side by side."""
    for name, kwh in (("Forbruk", "1,5"), ("Produksjon", "0,25")):
        file = tmp_path / f"{name}.csv"
        file.write_text(f"Fra;KWH 60 {name}\n31.12.2025 23:00;{kwh}\n", "utf-8")
        assert han2x("import", file)[0] == OK
    _, out, _ = han2x("export", "--to", "2026-01-01")
    assert out.splitlines()[1].split(",")[3:6] == ["imported", "1500", "250"]


def test_import_says_whose_values_and_what_is_missing(han2x: Run, tmp_path: Path) -> None:
    """Of two metering points one has to be named; an hour that is not in the file is told."""
    file = tmp_path / "elhub.csv"
    one, two = "707057500000000001", "707057500000000002"
    rows = [f"{point};31.12.2025 {hour}:00;1,5;Målt" for point in (one, two) for hour in (20, 22)]
    file.write_bytes("\n".join(["Målepunkt;Fra;KWH 60 Forbruk;Kvalitet", *rows]).encode("cp1252"))
    status, _, err = han2x("import", file)
    assert (status, "line 4: another metering point begins" in err) == (WRONG, True)
    status, _, err = han2x("import", file, "--metering-point", two)
    assert status == OK
    assert f"from 2025-12-31 20:00 to 2025-12-31 23:00\nmetering point {two}\nMålt: 2 lines\n" in err
    assert "1 hours are missing or not whole in the file: 2025-12-31 21:00\n" in err


def test_bad_file_imports_nothing(han2x: Run, tmp_path: Path) -> None:
    """A fault in the last line keeps the first from being taken."""
    file = tmp_path / "elhub.csv"
    file.write_text("Fra;KWH 60 Forbruk\n31.12.2025 23:00;1\n01.01.2026 05:00;much\n", "utf-8")
    status, _, err = han2x("import", file)
    assert status == WRONG
    assert "elhub.csv: line 3: 'much' is no number of kWh" in err
    assert "imported" not in han2x("export")[1]


def test_status_says_what_is_kept(han2x: Run) -> None:
    """Counts and spans of each resolution, and how the hours are known."""
    status, out, _ = han2x("status")
    assert status == OK
    assert "hours                3  2026-01-01 00:00 to 2026-01-01 02:00" in out
    assert "hours that are metered: 2, estimated: 1" in out


def test_backup_can_be_exported_from(han2x: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A backup is a whole history: the same command reads it."""
    (tmp_path / "copies").mkdir()
    assert han2x("backup", tmp_path / "copies" / "history.sqlite")[0] == OK
    out = han2x("export")[1]
    words = ["history", "--state", str(tmp_path / "copies"), "--settings", str(tmp_path / "han2x.toml")]
    assert main([*words, "export"]) == OK
    assert capsys.readouterr().out == out


def test_no_history_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Before anything was kept each action says so."""
    settings = tmp_path / "han2x.toml"
    settings.touch()
    for action in ("export", "status"):
        assert main(["history", "--state", str(tmp_path), "--settings", str(settings), action]) == WRONG
        assert "there is no history in" in capsys.readouterr().err
