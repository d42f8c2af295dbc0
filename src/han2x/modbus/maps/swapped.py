"""The HAN2X map for readers that want the low word first: the same rows, numbers the other way round."""

from ..table import Map
from .han2x import HAN2X

SWAPPED = Map(name="swapped", title="HAN2X with the low word first", rows=HAN2X.rows, low_word_first=True)
