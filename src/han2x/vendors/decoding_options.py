"""What a meter's telegrams do not say themselves, and its owner has to."""

from typing import NamedTuple

from ..settings.lists import TaughtList
from ..wire.cipher import Keyring, Keys


class Manner(NamedTuple):
    """How the telegrams of one meter are to be taken.

    `keys`: None where they are not encrypted. `unchecked`: whether P1 text without a check sum is believed.
    `kamstrup_energy_wh`: what a Kamstrup counts its energies in, 10 or 1 Wh (han-port sheet 5, row 12).
    `lists`: lists that its owner has taught.
    """

    keys: Keys | None = None
    unchecked: bool = False
    kamstrup_energy_wh: int = 10
    lists: tuple[TaughtList, ...] = ()

    def keyring(self) -> Keyring | None:
        """The keys at work; raises `CipherMissingError` where AES is not installed."""
        return Keyring(self.keys) if self.keys else None


PLAIN = Manner()


def manner(
    key: str,
    auth_key: str = "",
    *,
    unchecked: bool = False,
    kamstrup_energy_wh: int = 10,
    lists: tuple[TaughtList, ...] = (),
) -> Manner:
    """The same from settings, keys in hex."""
    keys = Keys(bytes.fromhex(key), bytes.fromhex(auth_key)) if key else None
    return Manner(keys, unchecked, kamstrup_energy_wh, lists)
