"""What the living parts share: cells that hold the newest value, and services that are kept running."""
