"""Vendors as people write them; everywhere else they are lower-case words."""

_NAMES = {
    "dzg": "DZG",
    "easymeter": "EasyMeter",
    "ebz": "eBZ",
    "efr": "EFR",
    "emh": "EMH",
    "eso": "ESO",
    "landisgyr": "Landis+Gyr",
    "nes": "NES",
    "zpa": "ZPA",
}


def vendor_name(vendor: str) -> str:
    """The name of a vendor for people; one that is not known begins with a capital."""
    return _NAMES.get(vendor) or vendor[:1].upper() + vendor[1:]
