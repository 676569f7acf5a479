"""Ask/tell Bayesian optimisation.

`suggest` is the one entry point: a pure function of the space, the history and the seed. `Campaign`
keeps a history for those who work without the lab. What needs a fitted model (`lab.optimize.model`,
`lab.optimize.recommend`) is not imported here: the first suggestions of a campaign
don't need it, nor what it loads.
"""

from __future__ import annotations

from lab.domain.aim import Aim, Goal, Limit
from lab.optimize.campaign import Campaign, Remark
from lab.optimize.history import Direction, Suggestion, TrialRecord, best
from lab.optimize.options import Earlier, Fidelity, Options
from lab.optimize.space import AtMost, Category, Factor, Levels, Space
from lab.optimize.suggest import Method, suggest

__all__ = [
    "Aim",
    "AtMost",
    "Campaign",
    "Category",
    "Direction",
    "Earlier",
    "Factor",
    "Fidelity",
    "Goal",
    "Levels",
    "Limit",
    "Method",
    "Options",
    "Remark",
    "Space",
    "Suggestion",
    "TrialRecord",
    "best",
    "suggest",
]
