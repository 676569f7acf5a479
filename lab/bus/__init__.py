"""Messages between engine and device hosts: contract, envelope, in-memory and MQTT transports."""
