"""MQTT: a table of topics, a pure plan of what is due, Home Assistant's discovery, and the service."""
