"""What is known of a meter, in integers of fixed units. Pure: no clock, no I/O, no vendor."""
