"""The role in a client's certificate, read from DER that openssl and `cryptography` have written."""

import contextlib
import datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given, settings
from hypothesis import strategies as st

from han2x.modbus.role import NoRole, role_of

OID = x509.ObjectIdentifier("1.3.6.1.4.1.50316.802.1")
KEY = ec.generate_private_key(ec.SECP256R1())
FROM = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
NAME = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "client")])


def certificate(*values: bytes, oid: x509.ObjectIdentifier = OID, critical: bool = False) -> bytes:
    """A certificate's DER, with an extension of these contents."""
    builder = x509.CertificateBuilder(NAME, NAME, KEY.public_key(), 1, FROM, FROM + datetime.timedelta(30))
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    for value in values:
        builder = builder.add_extension(x509.UnrecognizedExtension(oid, value), critical)
    return builder.sign(KEY, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def utf8(text: str) -> bytes:
    """A UTF8String."""
    octets = text.encode()
    return bytes((0x0C, len(octets))) + octets


@pytest.mark.parametrize("role", ["read-only", "Operatør", "x" * 100, ""])
@pytest.mark.parametrize("critical", [False, True])
def test_role_is_read(role: str, critical: bool) -> None:
    """The text of the extension is the role, critical or not."""
    assert role_of(certificate(utf8(role), critical=critical)) == role


def test_no_role() -> None:
    """Without the extension, or with another's of the same form, there is none."""
    assert role_of(certificate()) == ""
    other = x509.ObjectIdentifier("1.3.6.1.4.1.50316.802.2")
    assert role_of(certificate(utf8("read-write"), oid=other)) == ""


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"read-write",
        b"\x13\x04oper",  # PrintableString
        b"\x0c\x02\xff\xfe",
        b"\x0c\x7foper",
        utf8("one") + utf8("two"),
        b"\x0c\x80oper",
        b"\x0c\x82\x01\x2c" + b"x" * 300,
    ],
)
def test_strange_role_is_refused(value: bytes) -> None:
    """What is not one UTF8String is no role, and not the role of a certificate without one either."""
    with pytest.raises(NoRole):
        role_of(certificate(value))


def element(tag: int, *content: bytes) -> bytes:
    """DER, with a length of one byte or of three."""
    octets = b"".join(content)
    length = bytes((len(octets),)) if len(octets) < 128 else b"\x82" + len(octets).to_bytes(2, "big")
    return bytes((tag,)) + length + octets


def test_two_roles_are_none() -> None:
    """Two extensions of this kind contradict each other, alike or not; certificate built by hand."""
    oid = element(0x06, bytes.fromhex("2b0601040183890c862201"))
    role = element(0x30, oid, element(0x04, utf8("read-only")))
    for count, padding in ((1, 0), (2, 0), (2, 300)):
        serial = element(0x02, b"\x01" * (1 + padding))
        body = element(0x30, serial, element(0xA3, element(0x30, role * count)))
        if count == 1:
            assert role_of(element(0x30, body)) == "read-only"
        else:
            with pytest.raises(NoRole):
                role_of(element(0x30, body))


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=80))
def test_any_octets(octets: bytes) -> None:
    """Anything is either read or refused."""
    with contextlib.suppress(NoRole):
        role_of(octets)


GOOD = certificate(utf8("read-write"))


@settings(max_examples=300, deadline=None)
@given(st.integers(0, len(GOOD) - 1), st.integers(1, 255))
def test_damage_gives_no_other_exception(at: int, change: int) -> None:
    """A damaged certificate, cut or changed, is read or refused."""
    damaged = GOOD[:at] + bytes((GOOD[at] ^ change,)) + GOOD[at + 1 :]
    for octets in (damaged, GOOD[:at]):
        with contextlib.suppress(NoRole):
            role_of(octets)
