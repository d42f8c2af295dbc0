"""Wiener Netze: one list by place from meters of several makers (Siemens IM350, L+G E450, Iskra AM550).

The clock, four energies in Wh and varh, four powers in W and var; seen on an E450.
"""

from .layouts import Positions
from .vendor import WHOLE, Vendor

LISTS = Positions({"cnnnnnnnn": "1.0.0 1.8.0 2.8.0 3.8.0 4.8.0 1.7.0 2.7.0 3.7.0 4.7.0"})

WIENER_NETZE = Vendor(
    name="unknown vendor, list of 9 values",
    recognise=lambda body: LISTS.match(body) is not None,
    items=LISTS.items,
    factors=lambda *_: WHOLE,
    anonymous=True,
)
