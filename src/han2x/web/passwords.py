"""Passwords as hashes (manual row M40): scrypt, off the loop and one at a time, for each takes 16 MiB."""

import asyncio
import base64
import functools
import hashlib
import hmac
import secrets

N, R, P = 1 << 14, 8, 5
SALT_SIZE = 16
DEFAULT_USER, DEFAULT_PASSWORD = "bits", "vari"
LEAST, MOST = 8, 256
"""Characters of a new password."""


class Passwords:
    """Makes and checks hashes."""

    def __init__(self) -> None:
        self._one = asyncio.Lock()

    async def made(self, password: str) -> str:
        """The hash to keep of a password."""
        salt = secrets.token_bytes(SALT_SIZE)
        return f"scrypt:{_text(salt)}:{_text(await self._scrypt(password, salt))}"

    async def right(self, password: str, kept: str) -> bool:
        """Whether a password is the one of a kept hash; "" is the default password's."""
        if not kept:
            return hmac.compare_digest(password.encode(), DEFAULT_PASSWORD.encode())
        _, salt, wanted = kept.split(":")
        made = await self._scrypt(password, base64.b64decode(salt))
        return hmac.compare_digest(made, base64.b64decode(wanted))

    async def _scrypt(self, password: str, salt: bytes) -> bytes:
        work = functools.partial(
            hashlib.scrypt, password.encode(), salt=salt, n=N, r=R, p=P, dklen=32, maxmem=1 << 26
        )
        async with self._one:
            return await asyncio.to_thread(work)


def _text(octets: bytes) -> str:
    return base64.b64encode(octets).decode()
