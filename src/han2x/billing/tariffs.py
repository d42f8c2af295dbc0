"""The service that reads the tariffs the meters name, and the levies, again whenever a file changes."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

from ..runtime.gateway import Gateway, Trouble
from ..runtime.health import Condition
from ..runtime.machine_facts import BUILT_IN, LEVIES
from ..settings.schema import TariffFiles
from ..tariff.levies import Levies
from ..tariff.levies_reading import levies
from ..tariff.reading import tariff
from ..tariff.tariff import Tariff
from .files import modified, read_table, refuse

LOOK_S = 30.0
"""How often the files are looked at for changes."""


async def run(section: TariffFiles, gateway: Gateway, name: str) -> None:
    """Read the files, again whenever one changes; raises `Trouble` for a wrong one."""
    paths = await asyncio.to_thread(places, section)
    while True:
        seen = await asyncio.to_thread(_states, paths)
        tariffs, levied = await asyncio.to_thread(load, paths)
        if section.tax_zone not in levied.zones:
            zones = ", ".join(levied.zones)
            raise Trouble(
                f"prices.tax_zone {section.tax_zone!r} is not in {paths[LEVIES]}, which has {zones}"
            )
        gateway.accounts.levies.set(levied)
        gateway.accounts.tariffs.set(tariffs)
        gateway.report(name, Condition.OK)
        while await asyncio.to_thread(_states, paths) == seen:
            await asyncio.sleep(LOOK_S)
        paths = await asyncio.to_thread(places, section)


def places(section: TariffFiles) -> dict[str, Path]:
    """The file of each tariff, and of the levies: a person's own, else that built in."""
    own = Path(section.folder) if section.folder else None
    files = {LEVIES: LEVIES, **{name: f"{name}.toml" for name in section.names}}
    found = {}
    for name, file in files.items():
        within = BUILT_IN if name == LEVIES else BUILT_IN / "tariffs"
        found[name] = own / file if own and (own / file).exists() else within / file
    return found


def known() -> list[str]:
    """The names of the tariffs that come with the program."""
    return sorted(path.stem for path in (BUILT_IN / "tariffs").glob("*.toml"))


def load(paths: Mapping[str, Path]) -> tuple[dict[str, Tariff], Levies]:
    """The tariffs by name, and the levies; raises `Trouble` for the first file that is wrong."""
    levied, complaints = levies(read_table(paths[LEVIES]))
    refuse(paths[LEVIES], complaints)
    return {name: _tariff(name, path) for name, path in paths.items() if name != LEVIES}, levied


def _tariff(name: str, path: Path) -> Tariff:
    if not path.exists() and path.parent == BUILT_IN / "tariffs":
        raise Trouble(f"there is no tariff {name}: built in are {', '.join(known())}")
    read, complaints = tariff(name, read_table(path))
    refuse(path, complaints)
    return read


def _states(paths: Mapping[str, Path]) -> dict[str, object]:
    return {name: modified(path) for name, path in paths.items()}
