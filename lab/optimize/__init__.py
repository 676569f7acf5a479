"""Ask/tell Bayesian optimisation; torch is imported in this room alone."""
