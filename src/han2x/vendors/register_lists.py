"""Looking into an array of registers before it is decoded: the texts by which vendors are told apart."""

from ..wire.axdr import Array, Data, Structure
from ..wire.obis import cde
from .layouts import as_text, is_obis


def list_version(body: Data) -> str:
    """The list version id, which comes first where there is one; "" without."""
    if isinstance(body, Array) and body and code_of(body[0]) == cde("0.2.129"):
        first = body[0]
        assert isinstance(first, Structure)
        return as_text(first[1])
    return ""


def code_of(element: Data) -> bytes:
    """C.D.E of an element of an array of registers, b"" where it is none."""
    if isinstance(element, Structure) and len(element) >= 2 and is_obis(element[0]):
        assert isinstance(element[0], bytes)
        return element[0][2:5]
    return b""
