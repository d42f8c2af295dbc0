"""The keys of a meter on the command line: `--key` and `--auth-key`."""

import argparse

from ..settings.rule import KEY
from ..wire.cipher import CipherMissingError, Keyring, Keys
from . import Wrong


def configure(parser: argparse.ArgumentParser) -> None:
    """Both options."""
    parser.add_argument("--key", default="", metavar="HEX", help="encryption key (EK, GPK60), 32 hex digits")
    parser.add_argument(
        "--auth-key", default="", metavar="HEX", help="authentication key (AK, GPK61), 32 hex digits"
    )


def keyring(arguments: argparse.Namespace) -> Keyring | None:
    """The keys that were given, None without; raises `Wrong`."""
    return keyring_of(given(arguments))


def keyring_of(keys: Keys) -> Keyring | None:
    """Keys at work, None without; raises `Wrong` where AES is missing."""
    try:
        return Keyring(keys) if keys.encryption else None
    except CipherMissingError as missing:
        raise Wrong(str(missing)) from None


def given(arguments: argparse.Namespace) -> Keys:
    """The keys that were given; raises `Wrong` for what is none, without repeating it."""
    for option, value in (("--key", arguments.key), ("--auth-key", arguments.auth_key)):
        if complaint := KEY.complaint(value):
            raise Wrong(f"{option} {complaint}")
    if arguments.auth_key and not arguments.key:
        raise Wrong("--auth-key needs --key beside it")
    return Keys(bytes.fromhex(arguments.key), bytes.fromhex(arguments.auth_key))
