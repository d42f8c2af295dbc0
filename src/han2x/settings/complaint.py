"""Why settings are refused: a path, a sentence for people, a code with parameters for programs."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Complaint:
    """Why a value is refused; `path` as in `meters.0.scale`. `code`: what is wrong, for programs.

    `rule`: the value breaks its setting's rule; `unknown`: there is no such setting; else a contradiction,
    whose `params` are what its sentence names. `line`: of the settings file, 0 where there is none.
    """

    path: str
    text: str
    code: str = "rule"
    params: Mapping[str, str | int] = field(default_factory=dict)
    line: int = 0

    def __str__(self) -> str:
        return f"line {self.line}: {self.path}: {self.text}" if self.line else f"{self.path}: {self.text}"


@dataclass(frozen=True, slots=True)
class Refused:
    """Nothing was changed, for these reasons."""

    complaints: tuple[Complaint, ...]

    def __str__(self) -> str:
        return "\n".join(map(str, self.complaints))
