"""What was measured, kept: ten seconds for days, minutes for months, hours for ever."""
