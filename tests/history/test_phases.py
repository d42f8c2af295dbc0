"""Power of each phase, where a meter sends it: from telegram to row, file and export."""

import csv
import sqlite3
from datetime import UTC
from pathlib import Path

from han2x.history.batch import Batch
from han2x.history.export import written
from han2x.history.periods import rows
from han2x.history.rows import RAW_S, Recorder, Row
from han2x.history.schema import APPLICATION_ID, MIGRATIONS
from han2x.history.store import Store
from han2x.model.instant import Instant
from han2x.model.quantity import Quantity as Q
from han2x.model.reading import ListType, Reading
from han2x.model.record import MEASURED, PHASE_MEANS
from han2x.model.state import EMPTY, fold

T0 = 1_767_222_000

SENT = {
    Q.ACT_POW_POS: 0, Q.ACT_POW_NEG: 420, Q.ACT_POW_POS_L1: 1000, Q.ACT_POW_NEG_L1: 0, Q.ACT_POW_POS_L2: 0,
    Q.ACT_POW_NEG_L2: 710, Q.ACT_POW_POS_L3: 0, Q.ACT_POW_NEG_L3: 710,
}  # fmt: skip


def ten_seconds(values: dict[Q, int]) -> Row:
    """The row of ten seconds in which a meter sends these, and then twice as much on L1."""
    recorder, snapshot = Recorder(), EMPTY
    for second, factor in ((0, 1), (5, 2)):
        changed = (
            {**values, Q.ACT_POW_POS_L1: values[Q.ACT_POW_POS_L1] * factor}
            if Q.ACT_POW_POS_L1 in values
            else values
        )
        now = Instant((T0 + second) * 1000, second * 1000)
        snapshot = fold(snapshot, Reading(vendor="p1", list_type=ListType.OTHER, values=changed), now)
        recorder.take(snapshot, now, 1000)
    rows = recorder.close(Instant((T0 + 10) * 1000, 10_000), 1000)
    return next(row for row in rows if row.span_s == RAW_S)


def test_means_of_each_phase() -> None:
    """1000 W for five seconds and 2000 W for five more are 1500 W; what is not sent is unknown."""
    means = dict(zip(MEASURED, ten_seconds(SENT).means, strict=True))
    assert (means[Q.ACT_POW_POS_L1], means[Q.ACT_POW_NEG_L2], means[Q.VOLT_L1]) == (1500, 710, None)
    without = ten_seconds({Q.ACT_POW_POS: 500})
    assert without.means[-len(PHASE_MEANS) :] == (None,) * 6


def exported(store: Store, path: Path) -> list[dict[str, str]]:
    with sqlite3.connect(path) as file:
        lines = written(rows(file, "main", "10s", T0, T0 + 3600), "10s", "csv", UTC)
        return list(csv.DictReader(lines))


def test_the_export_has_the_phases(tmp_path: Path) -> None:
    store = Store(tmp_path / "history.sqlite")
    store.write(Batch([("main", ten_seconds(SENT))]))
    (line,) = exported(store, tmp_path / "history.sqlite")
    assert (line["act_pow_pos_l1_w"], line["act_pow_neg_l3_w"], line["act_pow_neg_w"]) == (
        "1500",
        "710",
        "420",
    )
    store.close()


def test_a_file_of_the_version_before_gets_them(tmp_path: Path) -> None:
    """What stands in it stays, with the phases unknown."""
    path = tmp_path / "history.sqlite"
    with sqlite3.connect(path) as file:
        for statements in MIGRATIONS[:-1]:
            for statement in statements:
                file.execute(statement)
        file.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        file.execute(f"PRAGMA user_version = {len(MIGRATIONS) - 1}")
        file.execute("INSERT INTO meter (name) VALUES ('main')")
        columns = "meter, t, covered, scale, low, high, p_pos, u1, sure"
        file.execute(f"INSERT INTO raw ({columns}) VALUES (1, {T0}, 10, 1000, 300, 400, 350, 230100, 1)")
    store = Store(path)
    store.write(Batch([("main", ten_seconds(SENT)._replace(start=T0 + 10))]))
    first, second = exported(store, path)
    assert (first["act_pow_pos_w"], first["volt_l1_v"], first["act_pow_pos_l1_w"], first["sure"]) == (
        "350", "230.1", "", "1"
    )  # fmt: skip
    assert (second["act_pow_pos_l1_w"], second["sure"]) == ("1500", "1")
    store.close()
