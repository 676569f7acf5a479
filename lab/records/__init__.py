"""The journal and everything read from it."""
