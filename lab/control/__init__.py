"""The only way to ask the engine for something: an HTTP API and its client."""
