"""Every setting, its rule, and the one way to change them. Pure: text in, frozen values or complaints out."""
