"""Bursts and backlogs far beyond what a worker holds, and what is no history: nothing is lost, or it is said.

`python -m bench.collect_matrix` does the same with 100 000 messages and all numbers of workers.
"""

import json
import signal
import subprocess
import threading
from collections.abc import Callable, Iterable
from pathlib import Path

import psycopg

from ..mqtt.conftest import Mosquitto, poll
from .conftest import LASTING, T0, Base, Starting, collecting, send

Start = Callable[..., Mosquitto]

COUNT = 1500
"""Messages: some six times what an inbox holds, and more than a broker hands out at once."""


def text(index: int, watts: int = 5) -> str:
    """A message of one minute, which is no other's."""
    table = {
        "meter": 12_345_678,
        "name": "x",
        "resolution": "minute",
        "columns": ["start", "version", "covered", "scale", "p_pos"],
        "rows": [[T0 + 60 * index, 1, 60, 1000, watts]],
    }
    return json.dumps(table, separators=(",", ":"))


def publish(broker: Mosquitto, texts: Iterable[str]) -> None:
    """All at once, with QoS 1."""
    command = [
        "mosquitto_pub",
        "-h",
        "127.0.0.1",
        "-p",
        str(broker.port),
        "-t",
        "x/history/y",
        "-q",
        "1",
        "-l",
    ]
    subprocess.run(command, input="".join(f"{one}\n" for one in texts).encode(), check=True, timeout=30)


def arrived(base: Base) -> int:
    return int(base.query("SELECT count(*) FROM han2x_minute")[0])


def test_a_burst_while_the_database_is_held_up(mosquitto: Start, worker: Starting, base: Base) -> None:
    """Thousands of messages come while the worker cannot write: all wait, and all are written then."""
    broker = mosquitto(*LASTING, "max_inflight_messages 0")
    one = collecting(worker(broker, "one"))
    with psycopg.connect(base.dsn()) as connection:
        connection.execute("LOCK TABLE han2x_minute IN EXCLUSIVE MODE")
        publish(broker, map(text, range(COUNT)))
    poll(lambda: arrived(base) == COUNT, "all has arrived")
    assert one.end(signal.SIGTERM) == 0


def test_a_backlog_with_a_worker_that_ends_in_its_midst(
    mosquitto: Start, worker: Starting, base: Base
) -> None:
    """What waited for a worker that was away, and what it had not written when it ended, comes again."""
    broker = mosquitto(*LASTING)
    collecting(worker(broker, "one")).end(signal.SIGTERM)
    publish(broker, map(text, range(COUNT)))
    again = worker(broker, "one")
    poll(lambda: arrived(base) > 0, "something arrives")
    again.end(signal.SIGKILL)
    again = worker(broker, "one")
    poll(lambda: arrived(base) > COUNT // 3, "more arrives")
    again.end(signal.SIGTERM)
    worker(broker, "one")
    poll(lambda: arrived(base) == COUNT, "all has arrived")


def test_leaving_with_a_backlog(mosquitto: Start, worker: Starting, base: Base) -> None:
    """A worker that leaves writes all that waits, far more than it holds; if it cannot, nothing is lost."""
    broker = mosquitto(*LASTING)
    collecting(worker(broker, "one")).end(signal.SIGTERM)
    publish(broker, map(text, range(COUNT)))
    base.cluster.stop()
    try:
        leaving = worker(broker, "one", leave=True)
        assert leaving.process.wait(40) not in (0, None)
        assert "the broker keeps" in leaving.log
    finally:
        base.cluster.start()
    leaving = worker(broker, "one", leave=True)
    assert leaving.process.wait(40) == 0
    assert arrived(base) == COUNT
    assert leaving.log.endswith(f"{COUNT} messages were waiting, and the place is given up\n")
    publish(broker, [text(COUNT)])  # nobody has a place any more
    collecting(worker(broker, "two"))
    publish(broker, [text(COUNT + 1)])
    poll(lambda: arrived(base) == COUNT + 1, "what came after")


def test_leaving_with_what_is_no_history(mosquitto: Start, worker: Starting, base: Base) -> None:
    """What could not be written is said when a worker leaves, kept, and its status is not 0."""
    broker = mosquitto(*LASTING)
    collecting(worker(broker, "one")).end(signal.SIGTERM)
    base.query("ALTER TABLE han2x_minute ADD CHECK (p_pos < 100)")
    publish(broker, [text(0), "rubbish", text(1, watts=100)])
    leaving = worker(broker, "one", leave=True)
    assert leaving.process.wait(40) not in (0, None)
    assert "1 messages held none" in leaving.log
    assert "refused 1 records" in leaving.log
    assert arrived(base) == 1
    assert base.query("SELECT count(*) FROM han2x_refused") == [2]


def test_what_the_database_forbids_is_set_aside(mosquitto: Start, worker: Starting, base: Base) -> None:
    """Records that the server will never take stop nothing, come once, and are kept with the reason."""
    broker = mosquitto(*LASTING)
    one = collecting(worker(broker, "one"))
    base.query("ALTER TABLE han2x_minute ADD CONSTRAINT small CHECK (p_pos < 100)")
    forbidden = {17, 18, 1111, 1499}
    publish(broker, (text(index, 100 if index in forbidden else 5) for index in range(COUNT)))
    poll(lambda: arrived(base) == COUNT - 4, "all others")
    poll(lambda: base.query("SELECT count(*) FROM han2x_refused") == [4], "the four")
    found = base.query("SELECT origin, why, convert_from(content, 'UTF8') FROM han2x_refused ORDER BY origin")
    assert [row[0] for row in found] == [
        f"meter 12345678, minute of {T0 + 60 * index}" for index in sorted(forbidden)
    ]
    assert all('constraint "small"' in why for _, why, _ in found)
    assert [json.loads(content)["rows"][0][0] for *_, content in found] == [
        T0 + 60 * i for i in sorted(forbidden)
    ]
    assert "records are refused" in one.log
    assert "trying again" not in one.log


def test_rubbish_takes_no_place_for_ever(mosquitto: Start, worker: Starting, base: Base) -> None:
    """Far more of what is no history than a broker hands out at once: all is acknowledged, said, and kept."""
    broker = mosquitto(*LASTING)
    one = collecting(worker(broker, "one"))
    publish(broker, (f'"rubbish {index}"' for index in range(COUNT)))
    publish(broker, map(text, range(300)))
    poll(lambda: arrived(base) == 300, "what came behind")
    assert base.query("SELECT count(*) FROM han2x_refused") == [COUNT]
    assert one.log.count("messages held no history") < 15


def test_messages_too_large(mosquitto: Start, worker: Starting, base: Base, tmp_path: Path) -> None:
    """One of a size that no gateway sends is said and kept; one beyond the broker's leave is not sent."""
    broker = mosquitto(*LASTING)
    one = collecting(worker(broker, "one"))
    for size in (100_000, 900_000, 3_000_000):
        send(broker, "9" * size, "-q", "1")
    send(broker, text(0), "-q", "1")
    poll(lambda: arrived(base) == 1, "what came behind")
    assert base.query("SELECT length(content) FROM han2x_refused ORDER BY 1") == [100_000, 900_000]
    assert "messages held no history" in one.log
    assert "trying again" not in one.log


def test_a_worker_that_may_not_make_tables(mosquitto: Start, worker: Starting, base: Base) -> None:
    """Where there is no right to set things aside, what is refused is in the log, and the rest is written."""
    broker = mosquitto(*LASTING)
    collecting(worker(broker, "owner")).end(signal.SIGTERM)
    user = f"{base.name}_writer"
    base.query(f"CREATE USER {user} PASSWORD 'correct horse'")
    base.query(f"GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA public TO {user}")
    base.query("ALTER TABLE han2x_minute ADD CHECK (p_pos < 100)")
    try:
        one = collecting(worker(broker, "owner", dsn=base.dsn(user)))
        publish(broker, [text(0), text(1, watts=777), "rubbish", text(2)])
        poll(lambda: arrived(base) == 2, "the others")
        poll(lambda: "777" in one.log, "the refused record is in the log")
        one.end(signal.SIGTERM)
    finally:
        base.query(f"DROP OWNED BY {user}")
        base.query(f"DROP USER {user}")


def test_the_database_is_killed_in_the_midst_of_a_burst(
    mosquitto: Start, worker: Starting, base: Base
) -> None:
    """Two workers lose their server while they write: what was not committed comes again, nothing twice."""
    broker = mosquitto(*LASTING)
    for name in ("one", "two"):
        collecting(worker(broker, name))
    flood = threading.Thread(target=publish, args=(broker, map(text, range(2 * COUNT))))
    flood.start()
    poll(lambda: arrived(base) > 100, "some have arrived")
    base.cluster.stop()
    base.cluster.start()
    flood.join()
    poll(lambda: arrived(base) == 2 * COUNT, "all has arrived", 40)
