"""A method in one campaign of a benchmark; our own is one of them, the others are in `lab.optimize.bench.peers`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from lab.optimize.suggest import suggest, suggest_from

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lab.optimize.bench.fronts import FrontTask
    from lab.optimize.bench.tasks import Task
    from lab.optimize.history import TrialRecord
    from lab.optimize.space import Setting

__all__ = ["Asker", "Ours"]


class Asker(Protocol):
    """A method in one campaign."""

    def tell(self, records: Sequence[TrialRecord]) -> None:
        """New finished trials."""
        ...

    def ask(self, n: int) -> list[dict[str, Setting]]:
        """The next `n` settings; for a table, of rows that were not asked for before."""
        ...


class Ours:
    """`suggest`, or `suggest_from` for a table."""

    def __init__(self, task: Task | FrontTask, seed: int, init: int) -> None:
        self.task, self.seed, self.init = task, seed, init
        self.records: list[TrialRecord] = []

    def tell(self, records: Sequence[TrialRecord]) -> None:
        self.records += records

    def ask(self, n: int) -> list[dict[str, Setting]]:
        task, told = self.task, self.records
        if task.pool is None:
            made = suggest(task.space, task.sought, told, n, seed=self.seed, initial=self.init)
        else:
            made = suggest_from(task.pool, task.sought, told, n, seed=self.seed, initial=self.init)
        return [item.factors for item in made]
