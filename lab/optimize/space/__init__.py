"""What a campaign may change and what it must keep to: factors, constraints, and the lawful region."""

from __future__ import annotations

from lab.optimize.space.factors import AnyFactor, Category, Factor, Levels, Setting
from lab.optimize.space.space import AtMost, Space

__all__ = ["AnyFactor", "AtMost", "Category", "Factor", "Levels", "Setting", "Space"]
