"""Labwright: an orchestrator for self-driving laboratories."""

__version__ = "0.1.0"

__all__ = ["__version__"]
