"""Public scheduling instances as problems: job shop, flexible job shop, S-LAB, and our own laboratory workloads."""
