"""Runs timelines: a pure core that decides and a thin shell that acts."""
