"""How often a password may be guessed: by address and by all together, in bounded memory. Pure.

Each has a bucket of tries that fills up slowly; a right password gives its try back.
"""

from collections import OrderedDict
from ipaddress import IPv6Address, ip_address

TRIES, REFILL_MS = 5, 15_000
ALL_TRIES, ALL_REFILL_MS = 60, 1_500
ADDRESSES = 1024


class _Bucket:
    """Tries left, and when that was."""

    __slots__ = ("_at", "_left", "_most", "_refill_ms")

    def __init__(self, most: int, refill_ms: int, now_ms: int) -> None:
        self._most, self._refill_ms = most, refill_ms
        self._left, self._at = float(most), now_ms

    def wait_ms(self, now_ms: int) -> int:
        """How long until there is a try."""
        self._fill(now_ms)
        return 0 if self._left >= 1 else int((1 - self._left) * self._refill_ms) + 1

    def add(self, tries: int) -> None:
        self._left = min(self._most, self._left + tries)

    def _fill(self, now_ms: int) -> None:
        self._left = min(self._most, self._left + (now_ms - self._at) / self._refill_ms)
        self._at = now_ms


class Throttle:
    """Guesses of all addresses; those that have not guessed for the longest are forgotten first."""

    def __init__(self, now_ms: int) -> None:
        self._all = _Bucket(ALL_TRIES, ALL_REFILL_MS, now_ms)
        self._each: OrderedDict[str, _Bucket] = OrderedDict()

    def take(self, host: str, now_ms: int) -> int:
        """Take a try; 0, or after how many ms there will be one."""
        bucket = self._bucket(host, now_ms)
        wait_ms = max(bucket.wait_ms(now_ms), self._all.wait_ms(now_ms))
        if not wait_ms:
            bucket.add(-1)
            self._all.add(-1)
        return wait_ms

    def right(self, host: str, now_ms: int) -> None:
        """The password was right."""
        self._bucket(host, now_ms).add(1)
        self._all.add(1)

    def _bucket(self, host: str, now_ms: int) -> _Bucket:
        key = _network(host)
        if key not in self._each:
            self._each[key] = _Bucket(TRIES, REFILL_MS, now_ms)
        self._each.move_to_end(key)
        if len(self._each) > ADDRESSES:
            self._each.popitem(last=False)
        return self._each[key]


def _network(host: str) -> str:
    """An address; of IPv6 the network, for whoever has one address there has 2^64."""
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return ""
    if isinstance(address, IPv6Address) and not address.ipv4_mapped:
        return str(IPv6Address(int(address) >> 64 << 64))
    return str(address)
