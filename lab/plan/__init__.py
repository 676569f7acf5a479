"""Procedures and parameters to plans, plans to timelines; pure functions."""
