"""The count of tests run against tests collected, in sessions of their own with this conftest.py."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
THREE = "import pytest\n\n@pytest.mark.parametrize('number', [1, 2, 3])\ndef test_it(number): pass\n"
SKIPPED = "\ndef test_skipped(): pytest.skip('for a reason')\n"
LOST = """
import pytest

@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item):
    return True if item.name == "test_it[2]" else None
"""
ONE_NAME = """
def pytest_collection_modifyitems(items):
    for item in items:
        item._id = items[0]._id
"""
"""As schemathesis's pytest plugin does it with some versions of pytest."""


def session(folder: Path, tests: str, more: str, *words: str) -> tuple[int, str]:
    """Status and text of a session over one file of tests, with a conftest of its own."""
    shutil.copy(TESTS / "conftest.py", folder)
    for name in ("simulator", "wire"):
        (folder / name).mkdir()
        shutil.copy(TESTS / name / "vectors.txt", folder / name)
    (folder / "one").mkdir()
    (folder / "one" / "test_it.py").write_text(tests)
    (folder / "one" / "conftest.py").write_text(more)
    (folder / "pytest.ini").write_text("[pytest]\naddopts = -q --import-mode=importlib -p no:cacheprovider\n")
    command = [sys.executable, "-m", "pytest", *words, str(folder)]
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_PLUGINS": "xdist.plugin"}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    return done.returncode, done.stdout + done.stderr


ALONE = ("-n", "0")
WORKERS = ("-n", "2", "--dist", "loadfile")


@pytest.mark.parametrize(
    ("tests", "more", "words", "status", "said"),
    [
        (THREE + SKIPPED, "", WORKERS, 0, "4 tests collected, 4 run\n"),
        (THREE, LOST, ALONE, 1, "3 tests collected, 2 run\n  not run once: one/test_it.py::test_it[2]\n"),
        (THREE, LOST, WORKERS, 1, "3 tests collected, 2 run\n  not run once: one/test_it.py::test_it[2]\n"),
        (THREE, ONE_NAME, WORKERS, 1, "  not run once: one/test_it.py::test_it[1]\n"),
    ],
    ids=["all", "lost", "lost by workers", "one name"],
)
def test_a_test_that_is_not_run_fails_the_session(
    tmp_path: Path, tests: str, more: str, words: tuple[str, ...], status: int, said: str
) -> None:
    got, text = session(tmp_path, tests, more, *words)
    assert said in text
    assert (got, "failed" in text) == (status, False)
