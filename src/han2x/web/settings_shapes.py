"""What the API takes and answers of settings; see `shapes`."""

from typing import Any, NotRequired, TypedDict

from .shapes import ComplaintShape


class FieldShape(TypedDict):
    """A setting, for a form; `reach`: why only a person who is logged in changes it, if that is so."""

    key: str
    type: str
    default: Any
    doc: str
    must: str
    choices: NotRequired[list[Any]]
    low: NotRequired[int]
    high: NotRequired[int]
    reach: list[str]


class RecordingFile(TypedDict):
    """A recording that a source may replay: what the source is, and how large the file is."""

    source: str
    name: str
    bytes: int


class Recordings(TypedDict):
    """Recordings of a gateway; `folder`: where they are, null where nothing is stored."""

    folder: str | None
    files: list[RecordingFile]


class SectionShape(TypedDict):
    """A section of the settings."""

    name: str
    repeated: bool
    fields: list[FieldShape]


class SettingsSchema(TypedDict):
    """All settings there are."""

    sections: list[SectionShape]


class FormerMeterShape(TypedDict):
    """A meter that was removed. `last`: the time of its last values; `energy_kwh`: its last register.

    `meter_id`: its equipment number, "" if unknown. A meter added with this `id` goes on with it.
    """

    id: str
    name: str
    last: str | None
    energy_kwh: float | None
    meter_id: str


class SettingsShape(TypedDict):
    """The settings in force; a secret is `{"set": bool}`. `undo`: whether there are former ones.

    `trial_s`: seconds until a change of how the page is reached is rolled back unless it is confirmed.
    """

    version: int
    undo: bool
    settings: dict[str, Any]
    broken: "BrokenShape | None"
    trial_s: int | None


class BrokenShape(TypedDict):
    """Why the settings in force are not those of their file, and cannot be changed until it is mended.

    `good`: whether there are last good settings, which are in force and can be put into the file.
    """

    file: str
    good: bool
    complaints: list[ComplaintShape]


class Changes(TypedDict):
    """Values to change by their path, `mqtt.0.host`; refused if `version` is given and not that of now."""

    version: NotRequired[int]
    changes: dict[str, Any]
