"""The nouns: pure values, no I/O, no clock, no randomness."""
