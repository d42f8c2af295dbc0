"""How the parts of the program fare, each by its name, for every face to show."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from .latest import Latest


class Condition(StrEnum):
    """How a service fares."""

    STARTING = "starting"
    OK = "ok"
    FAILING = "failing"


@dataclass(frozen=True, slots=True)
class Health:
    """How a service fares, and a sentence for people when it does not fare well."""

    condition: Condition
    text: str = ""


class HealthReports(Latest[Mapping[str, Health]]):
    """The cell with the health of all services."""

    __slots__ = ()

    def report(self, service: str, condition: Condition, text: str = "") -> None:
        """Say how a service fares."""
        health = Health(condition, text)
        if self.value.get(service) != health:
            self.set({**self.value, service: health})

    def forget(self, service: str) -> None:
        """A service is no longer wanted."""
        if service in self.value:
            self.set({name: health for name, health in self.value.items() if name != service})
