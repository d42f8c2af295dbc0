"""`han2x bundle`: a recording, what was read of it, and the versions, in one file without meter numbers."""

import argparse
import io
import json
import platform
import secrets
import zipfile
from pathlib import Path

from .. import __version__
from ..intake.anonymous import PUBLIC, anonymised
from ..intake.pipeline import Pipeline
from ..vendors.decoding_options import Manner
from ..wire.dump import Dump
from ..wire.recording import MAGIC, line, reads
from . import NO, OK, Wrong, decode, meter_keys, output_file, taught_lists

README = """\
What is here: capture.rec, a recording of a meter, for `han2x decode` and `han2x run` (source replay:FILE);
decode.jsonl, what han2x made of it; about.json, versions, counters, and what was replaced in the recording;
lists.toml, if lists were taught, for the option --lists of han2x decode.
Meter numbers are replaced, each by the same digits throughout. What the house used is as it was.
"""
FILE_MAX = 256_000_000


def configure(parser: argparse.ArgumentParser) -> None:
    """The recording, and the bundle."""
    parser.add_argument("recording", type=Path, help="from han2x record, or any file that decode reads")
    parser.add_argument("--file", type=Path, required=True, help="the new bundle to write")
    output_file.configure(parser)
    meter_keys.configure(parser)
    taught_lists.configure(parser)
    parser.epilog = (
        "Keys that are given open the telegrams and stay out of the bundle: the telegrams are encrypted anew "
        "with keys that stand in about.json."
    )


def run(arguments: argparse.Namespace) -> int:
    """Write the bundle, and say what is in it."""
    given = meter_keys.given(arguments)
    meter_keys.keyring_of(given)
    try:
        if arguments.recording.stat().st_size > FILE_MAX:
            raise Wrong(f"{arguments.recording} is above {FILE_MAX // 1_000_000} MB: cut out a part of it")
        recording = arguments.recording.read_bytes()
    except OSError as error:
        raise Wrong(f"{arguments.recording} cannot be read: {error.strerror}") from None
    content, about, notes = packed(
        recording,
        Manner(given if given.encryption else None, unchecked=True, lists=taught_lists.given(arguments)),
    )
    with output_file.created(arguments.file, force=arguments.force, private=True) as file:
        file.write(content)
    print(f"{arguments.file}: {about['octets']} octets, {about['good']} good telegrams")
    for text, count in notes.items():
        print(f"{count} × {text}")
    return OK if about["octets"] else NO


def packed(recording: bytes, manner: Manner) -> tuple[bytes, dict[str, object], dict[str, int]]:
    """A bundle's octets, what it says about itself, and of what was replaced."""
    found = _octets(recording)
    clean = anonymised(b"".join(octets for _, octets in found), manner, secrets.token_bytes(32))
    shown = manner._replace(keys=PUBLIC) if manner.keys else manner
    about = _about(clean.octets, clean.notes, shown)
    capture, at = MAGIC, 0
    for ms, octets in found:
        capture += line(ms, clean.octets[at : at + len(octets)])
        at += len(octets)
    rows = decode.json_rows(
        "capture.rec", decode.decoded(io.BytesIO(capture), shown.keys or decode.NO_KEYS, manner.lists)
    )
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("README.txt", README)
        file.writestr("capture.rec", capture)
        if manner.lists:
            file.writestr("lists.toml", taught_lists.as_toml(manner.lists))
        file.writestr("decode.jsonl", "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
        file.writestr("about.json", json.dumps(about, indent=2, ensure_ascii=False) + "\n")
    return target.getvalue(), about, clean.notes


def _octets(recording: bytes) -> list[tuple[int, bytes]]:
    """When what was read, whatever form the recording has."""
    if recording.startswith(MAGIC):
        return reads(recording)
    dump = Dump()
    return [(0, dump.feed(recording) + dump.flush())]


def _about(octets: bytes, notes: dict[str, int], manner: Manner) -> dict[str, object]:
    pipeline = Pipeline(manner=manner)
    pipeline.feed(octets, 0)
    pipeline.flush(0)
    tally = pipeline.tally
    shown = {"key": PUBLIC.encryption.hex(), "auth_key": PUBLIC.authentication.hex()}
    return {
        "han2x": __version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "octets": tally.octets,
        "good": tally.good,
        "discarded": {kind.value: count for kind, count in sorted(tally.discarded.items())},
        "notes": notes,
        "keys": shown if manner.keys else {},
    }
