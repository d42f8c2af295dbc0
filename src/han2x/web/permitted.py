"""What a caller may change, try and see, and where recordings that are set over the API may be."""

import os
from collections.abc import Iterator
from pathlib import Path

from ..settings.complaint import Complaint
from ..settings.permission import Change, elsewhere, not_for_tokens, recordings
from ..settings.reach import recording, source_reach
from ..settings.schema import Settings
from .endpoint import Access, Call, Refusal
from .refusals import complaint

RECORDINGS = "recordings"
"""The folder of the state directory that recordings are replayed from."""


def be_permitted(call: Call, found: Iterator[Change]) -> None:
    """Raise `Refusal` if changes reach further than the caller may."""
    if call.caller.access is Access.OWNER:
        return
    if refused := not_for_tokens(found):
        raise Refusal(
            403,
            "scope",
            "A token may not change these settings: log in with the password. Nothing was changed.",
            complaints=[complaint(one) for one in refused],
        )


def misplaced(before: Settings, after: Settings, state_dir: Path | None) -> tuple[Complaint, ...]:
    """Complaints about recordings that a change sets outside of their folder. Blocks."""
    folder = _folder(state_dir)
    return tuple(
        elsewhere(path, folder) for path, file in recordings(before, after) if not _is_in(file, folder)
    )


def be_source_to_try(call: Call, line: str) -> None:
    """Raise `Refusal` unless the caller may try this source. Blocks."""
    if source_reach(line) and call.caller.access is not Access.OWNER:
        raise Refusal(403, "scope", "A token may not try this source: log in with the password.")
    folder, file = _folder(call.gateway.state_dir), recording(line)
    known = any(meter.source == line for meter in call.gateway.settings.value.meters)
    if file and not known and not _is_in(file, folder):
        one = elsewhere("source", folder)
        raise Refusal(
            422, "recording_elsewhere", f"This source is refused: {one.text}.", complaints=[complaint(one)]
        )


def be_shown_bytes(call: Call, meter_id: str) -> None:
    """Raise `Refusal` unless the caller may see a meter's telegrams as they came."""
    if not shows_bytes(call.gateway.settings.value, meter_id, owner=call.caller.access is Access.OWNER):
        text = "The telegrams of a meter with a key are shown to a person who is logged in, not to a token."
        raise Refusal(403, "bytes", text)


def shows_bytes(settings: Settings, meter_id: str, *, owner: bool) -> bool:
    """Whether a meter's telegrams may be shown as they came: with a key, to the owner only."""
    return owner or not any(one.key or one.auth_key for one in settings.meters if one.id == meter_id)


def _folder(state_dir: Path | None) -> str:
    return str(state_dir / RECORDINGS) if state_dir else ""


def _is_in(file: str, folder: str) -> bool:
    """Whether a file is in a folder, symbolic links followed."""
    real = os.path.realpath(folder) if folder else ""
    return bool(folder) and os.path.isabs(file) and os.path.realpath(file).startswith(real + os.sep)
