"""`han2x decode`: recorded files, raw or as hex text, of any size, in constant memory."""

import argparse
import json
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from typing import BinaryIO

from ..model.partial import complete
from ..model.reading import Parts, Reading
from ..settings.lists import TaughtList
from ..vendors.decoder import Decoder
from ..vendors.decoding_options import Manner
from ..wire.cipher import Keyring, Keys
from ..wire.dump import Dump
from ..wire.result import Apdu, Discarded
from ..wire.stream import Stream
from . import NO, OK, WRONG, meter_keys, taught_lists
from .telegram_text import details, parts, tree, values

CHUNK = 65_536
NO_KEYS = Keys(b"")
Found = tuple[Apdu, Reading] | Discarded


def configure(parser: argparse.ArgumentParser) -> None:
    """Files and form."""
    parser.add_argument(
        "files", nargs="*", default=["-"], metavar="FILE", help="raw octets or hex text; - is stdin"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a line for each telegram")
    meter_keys.configure(parser)
    taught_lists.configure(parser)
    parser.epilog = "Exit status: 0 if every file held a telegram, 1 if one did not, 2 if one cannot be read."


def run(arguments: argparse.Namespace) -> int:
    """Decode all files; a file that cannot be read does not keep the others from being decoded."""
    show = _show_json if arguments.json else _show_tree
    given, status = meter_keys.given(arguments), OK
    lists = taught_lists.given(arguments)
    meter_keys.keyring_of(given)
    for name in arguments.files:
        try:
            with nullcontext(sys.stdin.buffer) if name == "-" else open(name, "rb") as file:
                status = max(status, OK if show(name, decoded(file, given, lists)) else NO)
        except BrokenPipeError:
            raise
        except OSError as error:
            print(f"han2x decode: {name} cannot be read: {error.strerror}", file=sys.stderr)
            status = WRONG
    return status


def decoded(file: BinaryIO, given: Keys = NO_KEYS, lists: tuple[TaughtList, ...] = ()) -> Iterator[Found]:
    """Every telegram of a file, and every stretch that is none, in order.

    P1 text without a check sum is shown, with a note: whoever looks can judge it.
    """
    keyring = Keyring(given) if given.encryption else None
    decoder = Decoder(keyring, Manner(unchecked=True, lists=lists))
    known: Parts = {}
    meter = None
    for item in _items(file, Stream(keyring)):
        if isinstance(item, Discarded):
            yield item
            continue
        outcome = decoder.decode(item)
        if isinstance(outcome, Discarded):
            yield outcome
            continue
        known = known if outcome.identity.meter_id == meter else {}
        meter = outcome.identity.meter_id
        known, outcome = complete(known, outcome)
        yield item, outcome


def _items(file: BinaryIO, stream: Stream) -> Iterator[Apdu | Discarded]:
    """What a file's octets are, piece by piece."""
    dump = Dump()
    read = getattr(file, "read1", file.read)
    while chunk := read(CHUNK):
        yield from stream.feed(dump.feed(chunk))
    yield from stream.feed(dump.flush())
    yield from stream.flush()


def _show_json(name: str, found: Iterator[Found]) -> int:
    """One object a line; how many telegrams were decoded."""
    good = 0
    for row in json_rows(name, found):
        good += "values" in row
        sys.stdout.write(json.dumps(row, ensure_ascii=False) + "\n")
    return good


def json_rows(name: str, found: Iterator[Found]) -> Iterator[dict[str, object]]:
    """What `--json` prints, an object for each telegram and each stretch that is none."""
    for item in found:
        if isinstance(item, Discarded):
            place = {"offset": item.offset, "length": item.length}
            yield {"file": name, **place, "kind": item.kind, "rejected": item.reason}
            continue
        apdu, reading = item
        row: dict[str, object] = {
            "file": name,
            "offset": apdu.offset,
            "length": apdu.length,
            "vendor": reading.vendor,
            "list": reading.list_type,
            "framing": apdu.framing,
            "values": values(reading),
        }
        if besides := details(reading):
            row["extra"] = besides
        if reading.notes:
            row["notes"] = reading.notes
        if sums := parts(reading):
            row["parts"] = sums
        if reading.refused:
            row["not_used"] = reading.refused
        if reading.unknown:
            row["not_decoded"] = reading.unknown
        yield row


def _show_tree(name: str, found: Iterator[Found]) -> int:
    """Lines for people; how many telegrams were decoded."""
    good = rejected = 0
    print(name)
    for item in found:
        if isinstance(item, Discarded):
            rejected += 1
            print(f"offset {item.offset}, {item.length} octets: rejected: {item.reason}")
        else:
            good += 1
            print(*tree(*item), sep="\n")
    print(f"{name}: {good} decoded, {rejected} rejected")
    return good
