"""A thin stateful campaign for use without the lab: it keeps the history and lets `suggest` think.

For example, to find the best temperature in batches of two::

    space = Space(factors=(Factor(name="temperature", unit="degC", minimum=20, maximum=90),))
    campaign = Campaign(space, "maximize", seed=1, initial=5)
    for suggestion in campaign.ask(2):
        campaign.tell(suggestion.number, measure(suggestion.factors["temperature"]))
    Path("campaign.json").write_text(campaign.to_json())
"""

from __future__ import annotations

import math
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from lab.domain.errors import InputError
from lab.optimize.history import Direction, Suggestion, TrialRecord, best, check_history
from lab.optimize.space import Setting, Space
from lab.optimize.suggest import Method, suggest

__all__ = ["Campaign"]


class _State(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    optimisation_format: Literal[1] = 1
    space: Space
    direction: Direction
    seed: int
    initial: int
    method: Method
    history: tuple[TrialRecord, ...]


class Campaign:
    """Ask for trials, tell what they gave. Asked trials are pending until told. Not for use from
    two threads.
    """

    def __init__(
        self,
        space: Space,
        direction: Direction = "maximize",
        *,
        seed: int = 0,
        initial: int | None = None,
        method: Method = "bayesian",
    ) -> None:
        """`initial` even trials come first; by default two per factor and at least four."""
        self.space = space
        self.direction: Direction = direction
        self.seed = seed
        self.initial = max(4, 2 * space.dimension) if initial is None else initial
        self.method: Method = method
        self._records: dict[int, TrialRecord] = {}

    @property
    def history(self) -> tuple[TrialRecord, ...]:
        """All trials asked for or added, by number."""
        return tuple(self._records[number] for number in sorted(self._records))

    @property
    def best(self) -> TrialRecord | None:
        """The trial with the best measured value so far."""
        return best(self.direction, self.history)

    def ask(self, n: int = 1) -> list[Suggestion]:
        """The next `n` trials; they're pending from now on."""
        suggestions = suggest(
            self.space,
            self.direction,
            self.history,
            n,
            seed=self.seed,
            initial=self.initial,
            method=self.method,
        )
        for item in suggestions:
            self._records[item.number] = TrialRecord(
                number=item.number, factors=item.factors, status="pending"
            )
        return suggestions

    def tell(
        self,
        number: int,
        value: float | None = None,
        sd: float | None = None,
        *,
        failed: bool = False,
    ) -> None:
        """Record the outcome of trial `number`: its value with its standard deviation, or
        `failed=True`.

        Telling a trial again corrects it. A value that's not a finite number is refused: such a
        trial failed.
        """
        if number not in self._records:
            raise InputError(
                f"trial {number} was never asked for",
                hint="tell the number of a suggestion, or use `add` for a trial of your own",
            )
        if failed == (value is not None):
            raise InputError(
                f"trial {number}: " + ("failed, but with a value" if failed else "no value"),
                hint="tell either a value or failed=True",
            )
        if value is not None and not math.isfinite(value):
            raise InputError(f"trial {number}: a value of {value}", hint="tell failed=True instead")
        self._records[number] = TrialRecord(
            number=number,
            factors=self._records[number].factors,
            status="failed" if failed else "done",
            value=value,
            standard_deviation=sd,
        )

    def add(
        self,
        factors: dict[str, Setting],
        value: float | None = None,
        sd: float | None = None,
        *,
        failed: bool = False,
    ) -> int:
        """Record a trial that wasn't suggested (an earlier one, or a person's own idea); returns
        its number.
        """
        self.space.check(factors, "the added trial")
        number = max(self._records, default=0) + 1
        self._records[number] = TrialRecord(number=number, factors=factors, status="pending")
        try:
            self.tell(number, value, sd, failed=failed)
        except InputError:
            del self._records[number]
            raise
        return number

    def to_json(self) -> str:
        """The whole state as a JSON document; `from_json` continues exactly where it stood."""
        return _State(
            space=self.space,
            direction=self.direction,
            seed=self.seed,
            initial=self.initial,
            method=self.method,
            history=self.history,
        ).model_dump_json(indent=2)

    @classmethod
    def from_json(cls, text: str) -> Campaign:
        """The campaign that `to_json` wrote. Raises InputError for any other text."""
        try:
            state = _State.model_validate_json(text)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"]) or "the document"
            raise InputError(
                f"not a saved campaign: {where}: {first['msg']}",
                hint="read a file that Campaign.to_json wrote",
            ) from error
        campaign = cls(
            state.space,
            state.direction,
            seed=state.seed,
            initial=state.initial,
            method=state.method,
        )
        records = check_history(state.space, state.history)
        campaign._records = {record.number: record for record in records}
        return campaign
