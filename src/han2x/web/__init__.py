"""The web page and the API under it."""
