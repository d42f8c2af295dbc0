"""The box itself: button, lamps, input, sensor; its network, and how it is found there."""
