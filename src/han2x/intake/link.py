"""The seam to where bytes come from: what every link can do. Links raise `Trouble`, nothing else."""

from typing import Protocol


class Link(Protocol):
    """An open source of bytes.

    `idle_s`: silence after which a telegram in the making will not be finished; 0 for never, where
    nothing can be told from silence.
    """

    idle_s: float

    async def read(self) -> bytes:
        """The next octets as they came, b"" when there will be no more; may be cancelled."""

    def set_line(self, line: str) -> None:
        """Use other serial settings, such as "8N1"; of no effect where there is no serial line."""

    def close(self) -> None:
        """Let go of the source."""
