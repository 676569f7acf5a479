"""How good the optimiser is: ours and its peers on the same tasks, seeds and first points."""
