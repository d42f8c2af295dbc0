"""`han2x run`."""

import argparse
import os
from dataclasses import replace
from functools import partial

from ..runtime import state_version
from ..runtime.audit import PROGRAM
from ..runtime.gateway import Gateway
from ..runtime.recovery import open_settings
from ..settings.schema import Settings
from ..wire.cipher import Keys
from . import Wrong, meter_keys, paths, serving

SECOND = (
    "Stop that process first, or give this one a file and a directory of its own by --settings and --state"
)

TRIES = 20
"""A service tries for ten seconds: it is not started again, and who holds the lock may be about to end."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Where settings and state are."""
    paths.configure(parser, state=True)
    parser.add_argument(
        "--dhcp",
        action="store_true",
        help="take the address from DHCP from now on, if the network is managed",
    )
    meter_keys.configure(parser)
    serving.configure(parser)


def run(arguments: argparse.Namespace) -> int:
    """Serve what the settings file says."""
    given = meter_keys.given(arguments)
    if why := state_version.refusal(arguments.state):
        raise Wrong(why)
    paths.check(arguments.settings, regular=False)  # whatever is there, the page says what is wrong with it
    with paths.alone(arguments.settings, arguments.state, SECOND, tries=TRIES if _is_service() else 1):
        return _serve(arguments, given)


def _serve(arguments: argparse.Namespace, given: Keys) -> int:
    adjusted = partial(_with_keys, given=given)
    settings, broken = open_settings(arguments.settings, arguments.state)
    if why := state_version.newer(arguments.state):
        raise Wrong(why)

    def ready(gateway: Gateway) -> None:
        if arguments.dhcp and not gateway.was_reset:
            gateway.start_dhcp(PROGRAM)

    return serving.serve(
        arguments,
        adjusted(settings),
        settings_file=arguments.settings,
        state_dir=arguments.state,
        ready=ready,
        broken=broken,
        adjusted=adjusted,
    )


def _is_service() -> bool:
    """Whether systemd waits for this process to be ready."""
    return bool(os.environ.get("NOTIFY_SOCKET"))


def _with_keys(settings: Settings, given: Keys) -> Settings:
    """The settings with keys from the command line, for every meter that has none of its own."""
    if not given.encryption:
        return settings
    key, auth_key = given.encryption.hex(), given.authentication.hex()
    meters = (m if m.key else replace(m, key=key, auth_key=auth_key) for m in settings.meters)
    return replace(settings, meters=tuple(meters))
