"""Complaints about settings as the API tells them."""

from ..settings.complaint import Complaint, Refused
from ..settings.schema import SECTIONS, rules
from . import shapes
from .endpoint import Refusal

AGAIN = ("secret_again", "secret_left_out")
"""Complaints that a secret answers which is entered with the same change."""


def refusal(refused: Refused) -> Refusal:
    """Complaints about settings, for a form."""
    found = [complaint(one) for one in refused.complaints]
    again = any(one.code in AGAIN for one in refused.complaints)
    code = "secret_again" if again else "settings"
    return Refusal(422, code, "The settings are refused; nothing was changed.", complaints=found)


def complaint(one: Complaint) -> shapes.ComplaintShape:
    """A complaint with the rule that it is about."""
    found = _complaint(one)
    if one.line:
        found["line"] = one.line
    return found


def _complaint(one: Complaint) -> shapes.ComplaintShape:
    section, _, key = one.path.rpartition(".")
    if one.code != "rule" or not section:
        return {"path": one.path, "code": one.code, "params": dict(one.params), "text": one.text}
    rule = rules(SECTIONS[section.partition(".")[0]])[key]
    bounds = {"low": rule.low, "high": rule.high, "choices": list(rule.choices) or None, "must": rule.must}
    params = {name: value for name, value in bounds.items() if value is not None}
    return {"path": one.path, "code": rule.kind, "params": params, "text": one.text}
