"""Certificates of Modbus Security clients: handed out, listed, revoked."""

import asyncio

from ..runtime.audit import Act
from ..runtime.authority import CLIENT_DAYS, MODBUS_FOLDER, Authority, Client
from ..runtime.gateway import Trouble
from . import shapes
from .endpoint import Call, Refusal
from .times import iso

NAME_MAX, ROLE_MAX, DAYS_MAX = 64, 64, 7300


async def list_clients(call: Call) -> list[shapes.ClientCertificate]:
    """The certificates that were handed out."""
    try:
        return [_row(client) for client in await asyncio.to_thread(_authority(call).clients)]
    except Trouble as trouble:
        raise Refusal(503, "certificates", str(trouble)) from None


async def issue(call: Call) -> shapes.IssuedCertificate:
    """A new certificate and its key, shown this once."""
    body = call.body
    name, role, days = body["name"].strip(), body.get("role", "read-only"), body.get("days", CLIENT_DAYS)
    if not (0 < len(name) <= NAME_MAX and name.isprintable()):
        raise Refusal(422, "name", f"The client needs a name of at most {NAME_MAX} characters.")
    if len(role) > ROLE_MAX or not role.isprintable():
        raise Refusal(422, "role", f"A role has at most {ROLE_MAX} characters.")
    if not 1 <= days <= DAYS_MAX:
        raise Refusal(422, "days", f"A certificate is valid for 1 to {DAYS_MAX} days.")
    authority, now_ms = _authority(call), call.now.unix_ms
    try:
        made = await asyncio.to_thread(authority.issue, name, role, now_ms=now_ms, days=days)
    except Trouble as trouble:
        raise Refusal(503, "certificates", str(trouble)) from None
    call.note(Act.CERTIFICATE_MADE, name)
    return {
        "serial": made.client.serial,
        "certificate": made.certificate,
        "key": made.key,
        "ca": made.authority,
    }


async def revoke(call: Call) -> None:
    """Refuse a client from now on."""
    try:
        found = await asyncio.to_thread(_revoked, _authority(call), call.path["serial"].upper())
    except Trouble as trouble:
        raise Refusal(503, "certificates", str(trouble)) from None
    if found is None:
        raise Refusal(404, "no_certificate", "No certificate has this serial number.")
    call.note(Act.CERTIFICATE_REVOKED, found)


def _revoked(authority: Authority, serial: str) -> str | None:
    """The name of the client that is let in no more; None if there is no such certificate."""
    name = next((one.name for one in authority.clients() if one.serial == serial), "")
    return name if authority.revoke(serial) else None


def _authority(call: Call) -> Authority:
    state_dir = call.gateway.state_dir
    if state_dir is None:
        raise Refusal(503, "certificates", "Certificates need a state directory, and this gateway has none.")
    return Authority(state_dir / MODBUS_FOLDER)


def _row(client: Client) -> shapes.ClientCertificate:
    return {
        "serial": client.serial,
        "name": client.name,
        "role": client.role,
        "created": iso(client.created_ms),
        "days": client.days,
        "revoked": client.revoked,
    }
