"""Peers that mean a gateway harm: what they send, as tables of attacks. Loopback only."""
