"""Each fault does what it says, to the telegrams it says and no others."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise, takewhile

import pytest

from han2x.model.quantity import ENERGIES
from han2x.model.reading import ListType
from han2x.settings.source import FAULTS, SimulatedSource, SourceError
from han2x.simulator import cipher, faults
from han2x.simulator.encode import apdu, frame
from han2x.simulator.meter import telegrams
from han2x.simulator.telegram import Telegram

START = datetime(2025, 12, 2, 11, 59, 50, tzinfo=UTC)
HOURLY = ListType.HOURLY
HALF_HOUR_MS = 1_800_000


def sent(vendor: str, *names: str, hours: float = 1, net: str = "it") -> list[Telegram]:
    stream: Iterator[Telegram] = telegrams(SimulatedSource(vendor, net, faults=names), START)
    return list(
        takewhile(
            lambda telegram: telegram.due_ms < timedelta(hours=hours) / timedelta(milliseconds=1), stream
        )
    )


def pairs(vendor: str, name: str, **options: float) -> Iterator[tuple[Telegram, Telegram]]:
    """Each telegram as it should be and as it was sent."""
    return zip(sent(vendor, **options), sent(vendor, name, **options), strict=True)  # type: ignore[arg-type]


def test_all_faults_of_the_settings_are_there() -> None:
    """The table and the settings name the same faults."""
    assert set(faults.TABLE) == set(FAULTS)


def test_a_fault_of_another_vendor_is_refused_at_once() -> None:
    """The sentence says whose it is."""
    with pytest.raises(SourceError, match="ecb is one of kaifa only"):
        telegrams(SimulatedSource("aidon", faults=("ecb",)), START)


def test_repeat_hour() -> None:
    """Some hours repeat the clock and energies of the hour before, with current power; the next is right."""
    repeated, seen = 0, [pair for pair in pairs("aidon", "repeat-hour", hours=12) if pair[0].message.clock]
    for (before, _), (right, wrong) in pairwise(seen):
        old, new, true = before.message, wrong.message, right.message
        assert wrong.data == frame(new)
        if new != true:
            repeated += 1
            assert new.clock == old.clock
            assert [new.values[energy] for energy in ENERGIES] == [old.values[energy] for energy in ENERGIES]
            assert all(new.values[q] == true.values[q] for q in true.values if q not in ENERGIES)
    assert 0 < repeated < 6


def test_delay_hourly() -> None:
    """The hourly list comes ten to fifty seconds late, its clock says so, and its counters are right."""
    right = [telegram for telegram in sent("kamstrup", hours=12) if telegram.message.clock]
    stream = sent("kamstrup", "delay-hourly", hours=12)
    late = [telegram for telegram in stream if telegram.message.clock]
    delays = {wrong.due_ms - true.due_ms for true, wrong in zip(right, late, strict=True)}
    assert delays <= {10_000, 20_000, 30_000, 40_000, 50_000}
    assert len(delays) > 1
    for true, wrong in zip(right, late, strict=True):
        delay = timedelta(milliseconds=wrong.due_ms - true.due_ms)
        assert wrong.message.clock == wrong.message.sent == true.message.sent + delay
        assert wrong.counters == next(
            telegram.counters.plus(faults._flow(telegram.message), 5_000)
            for telegram in stream
            if telegram.at_ms == wrong.at_ms - 5_000
        )
    assert [telegram.due_ms for telegram in stream] == sorted(telegram.due_ms for telegram in stream)


def test_old_09() -> None:
    """One octet more, the tag before the header's date-time."""
    for right, wrong in pairs("kamstrup", "old-09"):
        assert len(wrong.data) == len(right.data) + 1
        assert wrong.data[16:18] == b"\x09\x0c"


def test_ecb() -> None:
    """Header and LLC in the clear, then whole blocks that decrypt to the padded APDU."""
    ciphers = pytest.importorskip("cryptography.hazmat.primitives.ciphers")
    key, mode = ciphers.algorithms.AES(cipher.ECB_KEY), ciphers.modes.ECB()
    for right, wrong in pairs("kaifa", "ecb", hours=0.1):
        plain = ciphers.Cipher(key, mode).decryptor().update(wrong.data[12:-3])
        assert wrong.data[9:12] == right.data[9:12]
        assert plain.rstrip(b"\0") == apdu(right.message).rstrip(b"\0")
    assert {len(telegram.data) for telegram in sent("kaifa", "ecb")} == {47, 127, 159}


@pytest.mark.parametrize("vendor", ["aidon", "kaifa", "kamstrup"])
def test_encrypted(vendor: str) -> None:
    """general-glo-ciphering: right keys open it, the invocation counter grows."""
    pytest.importorskip("cryptography")
    associated = bytes((cipher.AUTHENTICATED,)) + cipher.AUTHENTICATION_KEY
    for counter, (right, wrong) in enumerate(pairs(vendor, "encrypted", hours=0.1), 1):
        general = wrong.data[11:-3]
        assert general[:2] == b"\xdb\x08"
        assert general[10] == 0x82
        assert int.from_bytes(general[14:18], "big") == counter
        assert _open(general, associated) == apdu(right.message)


def _open(general: bytes, associated: bytes) -> bytes:
    """Decrypt and verify with the twelve octets of tag that are sent."""
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    nonce, secret, tag = general[2:10] + general[14:18], general[18:-12], general[-12:]
    mode = modes.GCM(nonce, tag, min_tag_length=12)
    decryptor = Cipher(algorithms.AES(cipher.ENCRYPTION_KEY), mode).decryptor()
    decryptor.authenticate_additional_data(associated)
    return decryptor.update(secret) + decryptor.finalize()


@pytest.mark.parametrize("vendor", ["aidon", "kaifa", "kamstrup"])
def test_truncate(vendor: str) -> None:
    """Long lists at a half hour are cut and leave together with the next telegram; no other is touched."""
    stream = list(pairs(vendor, "truncate", hours=6))
    cut = 0
    for (right, wrong), (following, _) in pairwise(stream):
        if wrong == right:
            assert right.at_ms % HALF_HOUR_MS
            continue
        cut += 1
        assert wrong.data in (right.data[:88], right.data[:92])
        assert wrong.due_ms == following.due_ms
        assert right.at_ms % HALF_HOUR_MS <= 10_000
        assert right.message.list_type is not ListType.FAST
    assert cut >= 12
    hourly = [right == wrong for right, wrong in stream if right.message.list_type is HOURLY]
    assert 0 < sum(hourly) < len(hourly)


@pytest.mark.parametrize(("name", "zeros"), [("drop-tail", False), ("zero-tail", True)])
def test_weak_adapter(name: str, zeros: bool) -> None:
    """Short frames are whole; nearly all long ones lose or zero all from octet 249 to 257 on."""
    damaged = whole = 0
    for right, wrong in pairs("aidon", name):
        if wrong.data == right.data:
            whole += len(right.data) > 257
            continue
        damaged += 1
        assert wrong.data[:249] == right.data[:249]
        assert len(wrong.data) == len(right.data) if zeros else 249 <= len(wrong.data) <= 257
        assert not zeros or not any(wrong.data[257:])
    assert 0 < whole < damaged / 10


def test_flip_bit() -> None:
    """About one frame in eight has just one wrong bit."""
    wrong_bits = [
        (int.from_bytes(right.data, "big") ^ int.from_bytes(wrong.data, "big")).bit_count()
        for right, wrong in pairs("kaifa", "flip-bit")
    ]
    assert set(wrong_bits) == {0, 1}
    assert 0.08 < sum(wrong_bits) / len(wrong_bits) < 0.18


def test_crlf() -> None:
    """Each LF becomes CR LF; frames with text fields grow."""
    for right, wrong in pairs("aidon", "crlf"):
        assert wrong.data == right.data.replace(b"\n", b"\r\n")
        assert len(wrong.data) > len(right.data) or right.message.list_type is ListType.FAST


def test_faults_can_be_combined_in_any_order() -> None:
    """The order of the table counts, not that of the source."""
    pytest.importorskip("cryptography")
    one = sent("kamstrup", "encrypted", "old-09", "flip-bit", "delay-hourly")
    other = sent("kamstrup", "flip-bit", "delay-hourly", "encrypted", "old-09")
    assert one == other
    assert one[0].message.stray_09


def test_without_the_extra_encryption_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """The complaint is a SourceError that names the extra."""
    monkeypatch.setitem(__import__("sys").modules, "cryptography.hazmat.primitives.ciphers", None)
    with pytest.raises(SourceError, match=r"han2x\[crypto\]"):
        telegrams(SimulatedSource("kaifa", faults=("ecb",)), START)
