"""What files have to say about settings, with the files of the real machine in folders of the test."""

from pathlib import Path

import pytest

from han2x.runtime.machine_facts import Machine
from han2x.settings import consistency
from han2x.settings.amend import from_table
from han2x.settings.outside import TEXTS, new_complaints
from han2x.settings.schema import Settings

FUSE = """\
[[periods]]
from = 2020-01-01
rule = "fuse"
steps = [{ from_a = 0, price = 1000 }, { from_a = 63, price = 2000 }]
"""


def settings(**sections: object) -> Settings:
    made = from_table(sections)
    assert isinstance(made, Settings), made
    return made


def said(after: Settings, before: Settings | None = None) -> dict[str, str]:
    found = new_complaints(after, before or Settings(), Machine())
    for one in found:
        assert one.text == (TEXTS | consistency.TEXTS)[one.code].format(**one.params)
    return {one.path: one.code for one in found}


def meter(**values: object) -> Settings:
    return settings(meters=[values])


def test_unknown_names_are_refused_with_those_there_are() -> None:
    """A tariff and a tax zone are among those built in, unless a folder has more."""
    assert said(meter(tariff="nowhere")) == {"meters.0.tariff": "tariff_unknown"}
    assert said(meter(tariff="elvia")) == {}
    assert said(settings(prices={"tax_zone": "east"})) == {"prices.tax_zone": "zone_unknown"}
    for zone in ("south", "north", "action"):
        assert said(settings(prices={"tax_zone": zone})) == {}
    text = new_complaints(meter(tariff="nowhere"), Settings(), Machine())[0].text
    assert '"nowhere"' in text
    assert "elvia" in text


def test_a_folder_brings_tariffs_and_zones(tmp_path: Path) -> None:
    """Files of one's own count; a wrong one is refused with what is wrong with it."""
    (tmp_path / "mine.toml").write_text(FUSE)
    (tmp_path / "broken.toml").write_text("[[periods]\n")
    folder = {"folder": str(tmp_path)}
    mine = {"tariff": "mine", "fuse_a": 63}
    assert said(settings(tariffs=folder, meters=[mine])) == {}
    assert said(settings(tariffs=folder, meters=[{"tariff": "broken"}])) == {
        "meters.0.tariff": "tariff_wrong"
    }
    assert said(settings(tariffs=folder, meters=[mine]), settings(meters=[mine])) == {}
    assert said(settings(meters=[mine]), settings(tariffs=folder, meters=[mine])) == {
        "meters.0.tariff": "tariff_unknown"
    }
    assert said(settings(tariffs={"folder": str(tmp_path / "no")})) == {"tariffs.folder": "folder_missing"}


def test_a_tariff_by_fuse_needs_the_fuse(tmp_path: Path) -> None:
    """It is said at both settings."""
    (tmp_path / "mine.toml").write_text(FUSE)
    found = said(settings(tariffs={"folder": str(tmp_path)}, meters=[{"tariff": "mine"}]))
    assert found == {"meters.0.tariff": "fuse_needed", "meters.0.fuse_a": "fuse_needed"}


@pytest.mark.parametrize(
    ("section", "key"),
    [
        ("prices", "file"),
        ("web", "cert_file"),
        ("modbus_tls", "ca_file"),
        ("board", "temperature"),
    ],
)
def test_files_that_are_read_must_be_there(tmp_path: Path, section: str, key: str) -> None:
    """Not there, a folder, a device: refused; a file is taken."""
    good = tmp_path / "file"
    good.write_text("x")
    assert said(settings(**{section: {key: str(good)}})) == {}
    for wrong in (tmp_path / "missing", tmp_path, Path("/dev/zero")):
        assert said(settings(**{section: {key: str(wrong)}})) == {f"{section}.{key}": "file_missing"}


def test_files_of_brokers_and_recordings_must_be_there() -> None:
    """Each row has its own."""
    assert said(settings(mqtt=[{"ca_file": "/no/ca.pem"}])) == {"mqtt.0.ca_file": "file_missing"}
    assert said(meter(source="replay:/no/dump.bin?speed=2")) == {"meters.0.source": "file_missing"}


def test_a_device_under_two_names_is_one(tmp_path: Path) -> None:
    """A link to a serial device is that device."""
    link = tmp_path / "usb-FTDI"
    link.symlink_to("/dev/ttyUSB7")
    meters = [{"source": f"serial:{link}"}, {"name": "b", "unit_id": 2, "source": "serial:/dev/ttyUSB7"}]
    assert said(settings(meters=meters)) == {
        "meters.0.source": "device_clash",
        "meters.1.source": "device_clash",
    }


def test_what_has_vanished_hinders_no_other_change() -> None:
    """A stick that is pulled out does not make the rest of the form useless."""
    before = settings(prices={"file": "/media/stick/prices.csv"})
    after = settings(prices={"file": "/media/stick/prices.csv", "markup": 5}, web={"name": "Home"})
    assert said(after, before) == {}
