"""What each vendor sends: how it is recognised, and its table."""
