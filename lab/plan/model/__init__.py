"""Scheduling problems and their solutions as plain values, with a check and bounds."""
