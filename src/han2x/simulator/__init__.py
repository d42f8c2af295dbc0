"""A simulated meter: the real bytes on the real schedule, from a believable household."""
