"""`han2x tariffs`: what there is, and price lists from elsewhere, all of them or none."""

import io
import tarfile
from pathlib import Path

import pytest

from han2x.cli import OK, WRONG, main
from han2x.runtime.price_lists import BUILT_IN, PriceLists

COMPANY = """\
netteier: 'Fjord Nett AS'
sist_oppdatert: '2026-02-03'
kilder: [https://fjord.example/]
tariffer:
  - kundegrupper: [husholdning]
    fastledd:
      metode: TRE_DØGNMAX_MND
      terskel_inkludert: true
      terskler: # steps
        - terskel: 0
          pris: 1440
    energiledd:
      grunnpris: 16.99
    gyldig_fra: '2026-01-01'
"""
UNKNOWN = COMPANY.replace("TRE_DØGNMAX_MND", "FIRE_MAX")


def packed(path: Path, files: dict[str, str]) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            content = text.encode()
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def folder(path: Path, **files: str) -> Path:
    path.mkdir()
    for name, text in files.items():
        (path / f"{name}.yml").write_text(text, "utf-8")
    return path


def bring(source: Path, to: Path, *more: str) -> int:
    return main(["tariffs", "import", str(source), "--to", str(to), *more])


def test_a_folder_is_converted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file for each tariff that the gateway can use at once, counts, and what could not be converted."""
    source = folder(tmp_path / "in", fjord=COMPANY, dal=UNKNOWN)
    assert bring(source, tmp_path / "out") == OK
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["fjord.toml"]
    assert PriceLists(str(tmp_path / "out")).tariff("fjord").title == "Fjord Nett AS"
    said = capsys.readouterr().out
    assert "not converted: dal, from 2026-01-01: how its step is found is not known (metode FIRE_MAX)" in said
    assert "2 companies, 2 price lists: 1 converted, 1 not; 1 files" in said


def test_an_archive_of_the_whole_repository(tmp_path: Path) -> None:
    """The price lists of an archive are those of its folder of tariffs; other files in it do not matter."""
    files = {
        "repo/tariffer/fjord.yml": COMPANY,
        "repo/tariffer/old/dal.yml": "not: [read",
        "repo/docker-compose.yml": "a: &b {}",
        "repo/large.yml": "#" * 300_000,
        "repo/README.md": "x",
    }
    assert bring(packed(tmp_path / "a.tar.gz", files), tmp_path / "out") == OK
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["fjord.toml"]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"fjord": COMPANY, "dal": "tariffer: 3"}, "dal.yml: netteier is missing"),
        ({"fjord": COMPANY, "dal": "a: &x"}, "dal.yml: line 1: '&x' is more than a plain value"),
        ({"fjord": COMPANY, "dal": COMPANY.replace("2026-02-03", "2099-01-01")}, "which is still to come"),
        ({"fjord": COMPANY, "Dal": COMPANY}, "'Dal' is no name of a tariff"),
        ({"fjord": COMPANY, "dal": "#" * 300_000}, "dal.yml cannot be read: it is larger than 200000 bytes"),
        ({}, "there is no price list in it"),
    ],
)
def test_one_wrong_file_and_nothing_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], files: dict[str, str], message: str
) -> None:
    """All of it or nothing, with the file and what is wrong with it."""
    assert bring(folder(tmp_path / "in", **files), tmp_path / "out") == WRONG
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is no archive"),
        (b"\x1f\x8b junk", "is no archive"),
        (b"PK\x03\x04", "is no archive"),
    ],
)
def test_what_is_no_archive(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes, message: str
) -> None:
    """A file that only has the name of one is refused."""
    (tmp_path / "a.tar.gz").write_bytes(content)
    assert bring(tmp_path / "a.tar.gz", tmp_path / "out") == WRONG
    assert message in capsys.readouterr().err


def test_a_cut_archive(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Half of an archive is not half of the price lists."""
    whole = packed(tmp_path / "a.tar.gz", {"tariffer/fjord.yml": COMPANY}).read_bytes()
    for length in range(0, len(whole) - 8, 7):
        (tmp_path / "cut.tar.gz").write_bytes(whole[:length])
        assert bring(tmp_path / "cut.tar.gz", tmp_path / "out") == WRONG
    assert "is no archive" in capsys.readouterr().err


def test_nothing_is_written_without_a_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`--check` writes nothing; without it there must be a folder."""
    source = str(folder(tmp_path / "in", fjord=COMPANY))
    settings = ["--settings", str(tmp_path / "han2x.toml")]
    assert main(["tariffs", "import", source, "--check", *settings]) == OK
    (tmp_path / "han2x.toml").write_text("")
    assert main(["tariffs", "import", source, *settings]) == WRONG
    assert "no folder to write to" in capsys.readouterr().err
    (tmp_path / "own").mkdir()
    (tmp_path / "han2x.toml").write_text(f'[tariffs]\nfolder = "{tmp_path / "own"}"\n')
    assert main(["tariffs", "import", source, *settings]) == OK
    assert (tmp_path / "own" / "fjord.toml").exists()


def test_the_list(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tariffs by a word of their name or company."""
    (tmp_path / "han2x.toml").write_text("")
    where = ["--settings", str(tmp_path / "han2x.toml"), "--state", str(tmp_path)]
    assert main(["tariffs", "list", "energi", "aurdal", *where]) == OK
    [line] = capsys.readouterr().out.splitlines()
    assert line.startswith("sor-aurdal ")
    assert "checked 2024-11-24" in line
    assert main(["tariffs", "list", *where]) == OK
    assert len(capsys.readouterr().out.splitlines()) == len(list((BUILT_IN / "tariffs").glob("*.toml")))


def test_the_tariffs_that_come_with_the_program() -> None:
    """All can be used, and each names where its figures are from and when they were checked."""
    lists = PriceLists()
    for name in lists.names():
        found = lists.tariff(name)
        assert found.source
        assert found.title
        assert name.startswith("example") or (found.checked and found.customers)
    assert len(lists.names()) == 106
