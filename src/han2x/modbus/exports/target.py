"""Where a tool finds the gateway, and what it is to call it."""

from typing import NamedTuple

from ... import __version__


class Target(NamedTuple):
    """A map's name, and the address at which a tool reads it."""

    map: str
    host: str
    port: int
    unit: int

    @property
    def name(self) -> str:
        """A name for the connection, and the beginning of the names of its values."""
        return "han2x" if self.map == "han2x" else f"han2x_{self.map}"

    @property
    def title(self) -> str:
        """What a list's first line says of it."""
        return f"Made by han2x {__version__}: map {self.map}, unit id {self.unit}, holding registers (FC 3)."
