"""Job shops and flexible job shops: dispatching rules and tabu search as machine code."""
