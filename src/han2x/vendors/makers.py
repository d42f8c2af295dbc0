"""Who makes a meter, by the three letters of its maker (FLAG association).

They begin a P1 text, a system title, a logical device name and, behind a digit, a number after DIN 43863-5.
"""

import re

MAKERS = {
    "ACE": "itron",
    "ADN": "aidon",
    "AID": "aidon",
    "APA": "apator",
    "AUX": "sanxing",
    "DZG": "dzg",
    "EBZ": "ebz",
    "EFR": "efr",
    "EGM": "elgama",
    "ELG": "elgama",
    "ELS": "elster",
    "EMH": "emh",
    "ESY": "easymeter",
    "FLU": "fluvius",
    "HAG": "hager",
    "HLY": "holley",
    "HXE": "hexing",
    "ISK": "iskraemeco",
    "ITR": "itron",
    "KAM": "kamstrup",
    "KFM": "kaifa",
    "LGF": "landisgyr",
    "LGZ": "landisgyr",
    "LOG": "logarex",
    "NES": "nes",
    "SAG": "sagemcom",
    "SMS": "siemens",
    "XMX": "landisgyr",
    "ZPA": "zpa",
}
"""Makers by their letters; others go by the letters themselves."""

_NUMBER = re.compile(r"[0-9]?([A-Z]{3})[0-9]{6,}")


def by_letters(mark: str) -> str:
    """The maker that three letters stand for, the letters where it is not known, "" where they are none."""
    letters = mark[:3]
    if len(letters) < 3 or not letters.isascii() or not letters.isalpha():
        return ""
    return MAKERS.get(letters.upper(), letters.lower())


def by_number(number: str) -> str:
    """The maker whose letters a meter's number carries, "" where they are none that are known."""
    found = _NUMBER.fullmatch(number)
    return MAKERS.get(found.group(1), "") if found else ""
