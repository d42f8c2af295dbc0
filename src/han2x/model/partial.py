"""Sums that lack a part which came before: held, and said to be partial. Pure.

A meter that sends its energy by tariff alone may leave a register out of a telegram; the sum of the others
is another number, not a lower register.
"""

from dataclasses import replace

from .reading import Parts, Reading

TARIFF_MAX = 63
"""The highest number of a tariff (group E)."""

TOTAL = frozenset((0,))
"""The parts of a quantity that is sent as one."""

NOTE = "{} is not made up: a register that it was made of before was not sent"


def complete(known: Parts, reading: Reading) -> tuple[Parts, Reading]:
    """What each sum has been made of by now, and a reading without the sums that lack a part.

    A total that is sent wins over a sum; a sum never takes a total's place.
    """
    if not reading.parts:
        return known, reading
    sent = dict(reading.parts)
    lacking = [
        quantity
        for quantity, parts in sent.items()
        if parts != TOTAL and not known.get(quantity, frozenset()) <= parts
    ]
    whole = {quantity: parts for quantity, parts in sent.items() if quantity not in lacking}
    if not lacking:
        return {**known, **whole}, reading
    return {**known, **whole}, replace(
        reading,
        values={quantity: value for quantity, value in reading.values.items() if quantity not in lacking},
        finer=tuple(row for row in reading.finer if row[0] not in lacking),
        notes=(*reading.notes, *(NOTE.format(quantity.label) for quantity in lacking)),
        partial=frozenset(lacking),
    )
