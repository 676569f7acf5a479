"""A thin stateful campaign for use without the lab: it keeps the history and lets `suggest` think.

For example, to find the best temperature in batches of two::

    space = Space(factors=(Factor(name="temperature", unit="degC", minimum=20, maximum=90),))
    campaign = Campaign(space, "maximize", seed=1, initial=5)
    for suggestion in campaign.ask(2):
        campaign.tell(suggestion.number, measure(suggestion.factors["temperature"]))
    Path("campaign.json").write_text(campaign.to_json())

Of several outcomes, goals and limits: give an `Aim` (`lab.domain.aim`) in place of the direction, and tell outcomes by
name. Of a list of candidates: `Campaign.of(pool, "maximize")`. With pandas: `ask_frame` and `tell_frame` (see docs/tutorial/optimise_without_a_lab.md).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from lab.domain.aim import Aim
from lab.domain.errors import InputError, RefusedError
from lab.optimize.explain import explained
from lab.optimize.history import (
    Design,
    Direction,
    Suggestion,
    TrialRecord,
    best,
    check_history,
)
from lab.optimize.options import Options
from lab.optimize.outcomes import Reading, read_value, with_outcomes
from lab.optimize.saved import Remark, SavedCampaign, read_campaign
from lab.optimize.space import Setting, Space
from lab.optimize.suggest import Method, suggest, suggest_from

if TYPE_CHECKING:
    import pandas as pd  # pyright: ignore[reportMissingTypeStubs]

    from lab.optimize.acquire.cost import CostOf
    from lab.optimize.evidence import Evidence, Stopping
    from lab.optimize.pool import Pool
    from lab.optimize.recommend import Recommendation

__all__ = ["Campaign", "Remark"]


class Campaign:
    """Ask for trials, tell what they gave. Asked trials are pending until told. Not for two threads."""

    def __init__(
        self,
        space: Space,
        sought: Direction | Aim = "maximize",
        *,
        seed: int = 0,
        initial: int | None = None,
        method: Method = "bayesian",
        design: Design = "sobol",
        options: Options | None = None,
    ) -> None:
        """`initial` trials of the `design` come first; by default two per factor and at least four.

        Raises InputError for a direction that is none, and for options that don't go with the rest.
        """
        if not isinstance(sought, Aim) and sought not in ("maximize", "minimize"):
            raise InputError(
                f"an objective with the direction {sought!r}",
                hint='say what is better: "maximize" or "minimize", or give an Aim',
            )
        self.space = space
        self.sought: Direction | Aim = sought
        self._pool: Pool | None = None
        self.options = Options() if options is None else options
        self.options.check(space, sought, (), pool=False)
        self.seed = seed
        self.initial = max(4, 2 * len(space.factors)) if initial is None else initial
        self.method: Method = method
        self.design: Design = design
        self._records: dict[int, TrialRecord] = {}
        self._pinned: list[int] = []
        self._remarks: list[Remark] = []

    @classmethod
    def of(
        cls,
        pool: Pool,
        sought: Direction | Aim = "maximize",
        *,
        seed: int = 0,
        initial: int | None = None,
        options: Options | None = None,
    ) -> Campaign:
        """A campaign that asks for candidates of a list alone; the first ones are drawn at random."""
        campaign = cls(pool.space, sought, seed=seed, initial=initial, options=options)
        campaign.options.check(pool.space, sought, (), pool=True)
        campaign._pool = pool
        return campaign

    @property
    def direction(self) -> Direction:
        """What is better, of the one value. InputError where several outcomes are sought."""
        if isinstance(self.sought, Aim):
            raise InputError(
                "several outcomes have no one direction", hint="look at the goals of the aim"
            )
        return self.sought

    @property
    def history(self) -> tuple[TrialRecord, ...]:
        """All trials asked for or added, by number."""
        return tuple(self._records[number] for number in sorted(self._records))

    @property
    def remarks(self) -> tuple[Remark, ...]:
        """What people did, in order."""
        return tuple(self._remarks)

    @property
    def best(self) -> TrialRecord | None:
        """The trial with the best measured value so far, of those that keep the limits. InputError where
        goals pull apart: see `front`.
        """
        if isinstance(self.sought, str):
            return best(self.sought, [r for r in self.history if self.options.is_target(r)])
        if not self.sought.single:
            raise InputError("of several goals no trial is the best", hint="look at the front")
        return next(iter(self.sought.front(self.history)), None)

    @property
    def front(self) -> list[TrialRecord]:
        """The trials that keep all limits and that no such trial beats in every goal."""
        if isinstance(self.sought, str):
            first = self.best
            return [] if first is None else [first]
        return self.sought.front(self.history)

    def ask(
        self,
        n: int = 1,
        *,
        held: Mapping[str, Setting] | None = None,
        cost_of: CostOf | None = None,
    ) -> list[Suggestion]:
        """The next `n` trials; they're pending from now on. Pinned trials come first.

        `held` are factors that can't be chosen today (the bath is at 60 degC). `cost_of`: what a trial with given
        factors would cost (its planned time, its price); the gain per cost is sought then.
        """
        first = [
            Suggestion(
                number=number,
                factors=self._records[number].factors,
                origin="person",
                note="pinned by a person",
                fidelity=self._records[number].fidelity,
            )
            for number in self._pinned[:n]
        ]
        more = n > len(first) or n < 1
        suggestions = self._suggest(n - len(first), held, cost_of) if more else []
        suggestions = explained(self.space, self.sought, self.history, suggestions)
        del self._pinned[: len(first)]
        for item in suggestions:
            self._records[item.number] = TrialRecord(
                number=item.number, factors=item.factors, status="pending", fidelity=item.fidelity
            )
        return first + suggestions

    def _suggest(
        self, n: int, held: Mapping[str, Setting] | None, cost_of: CostOf | None
    ) -> list[Suggestion]:
        if self._pool is not None:
            return suggest_from(
                self._pool.within(self.space),
                self.sought,
                self.history,
                n,
                seed=self.seed,
                initial=self.initial,
                held=held,
                options=self.options,
                cost_of=cost_of,
            )
        return suggest(
            self.space,
            self.sought,
            self.history,
            n,
            seed=self.seed,
            initial=self.initial,
            method=self.method,
            held=held,
            design=self.design,
            options=self.options,
            cost_of=cost_of,
        )

    def tell(
        self,
        number: int,
        value: Reading | Mapping[str, Reading] | None = None,
        sd: float | Mapping[str, float] | None = None,
        *,
        failed: bool = False,
        reason: str = "",
        cost: float | None = None,
    ) -> None:
        """Record the outcome of trial `number`: its value with its standard deviation, or
        `failed=True`, with the reason where it is known. What is beyond the range of the instrument is told as "> 100" or
        "< 0.1", a grade by its name.

        Of several outcomes tell numbers by name, all at once or as they come: a trial is pending until the aim's
        outcomes are complete (or it `failed`), and what is known of it already teaches. Telling a trial again corrects it. A value
        that's not a finite number is refused: such a trial failed. `cost`: what the trial cost, in one unit for all.
        """
        record = self._known(number)
        if cost is not None:
            record = TrialRecord.model_validate({**record.model_dump(), "cost": cost})
        if isinstance(self.sought, Aim):
            self._keep(with_outcomes(self.sought, record, value, sd, failed=failed, reason=reason))
            return
        if isinstance(value, Mapping) or isinstance(sd, Mapping):
            raise InputError(
                f"trial {number}: outcomes by name, and this campaign has one value",
                hint="tell the value alone, or make the campaign with an Aim",
            )
        where, side = f"trial {number}", None
        if failed == (value is not None):
            wrong = "failed, but with a value" if failed else "no value"
            raise InputError(f"{where}: {wrong}", hint="tell either a value or failed=True")
        if value is not None:
            value, side = read_value(value, where, levels=self.options.levels)
            if not math.isfinite(value):
                raise InputError(f"{where}: a value of {value}", hint="tell failed=True instead")
        self._keep(
            TrialRecord(
                number=number,
                factors=record.factors,
                status="failed" if failed else "done",
                value=value,
                standard_deviation=sd,
                reason=reason,
                cost=record.cost,
                fidelity=record.fidelity,
                side=side,
            )
        )

    def _keep(self, told: TrialRecord) -> None:
        self.options.check_told((told,))
        self._records[told.number] = told
        if told.number in self._pinned:
            self._pinned.remove(told.number)

    def _known(self, number: int) -> TrialRecord:
        if number not in self._records:
            raise InputError(
                f"trial {number} was never asked for",
                hint="tell the number of a suggestion, or use `add` for a trial of your own",
            )
        return self._records[number]

    def add(
        self,
        factors: dict[str, Setting],
        value: Reading | Mapping[str, Reading] | None = None,
        sd: float | Mapping[str, float] | None = None,
        *,
        failed: bool = False,
        reason: str = "",
        cost: float | None = None,
        fidelity: str | None = None,
    ) -> int:
        """Record a trial that wasn't suggested (an earlier one, or a person's own idea); returns
        its number. Of several fidelities it is of the target, unless it says otherwise.
        """
        self.space.check(factors, "the added trial")
        number = self._next()
        self._records[number] = self._fresh(number, factors, fidelity)
        try:
            self.tell(number, value, sd, failed=failed, reason=reason, cost=cost)
        except InputError:
            del self._records[number]
            raise
        return number

    def _next(self) -> int:
        return max(self._records, default=0) + 1

    def _fresh(
        self, number: int, factors: dict[str, Setting], fidelity: str | None = None
    ) -> TrialRecord:
        """A trial of a person, by the target fidelity where there are several and nobody says otherwise."""
        if fidelity is None and self.options.fidelities:
            fidelity = self.options.target.name
        record = TrialRecord(number=number, factors=factors, status="pending", fidelity=fidelity)
        self.options.check(self.space, self.sought, (record,), pool=self._pool is not None)
        return record

    def pin(self, factors: dict[str, Setting], reason: str) -> int:
        """A point that a person wants tried: the next `ask` hands it out first; returns its number.

        Raises RefusedError if it breaks a rule of the space; nothing is moved to make it fit.
        """
        broken = self.space.broken(factors)
        if self._pool is not None and self._pool.find(factors) is None:
            broken.append("it is no candidate of the list")
        if broken:
            raise RefusedError(
                f"the pinned trial is not lawful: {'; '.join(broken)}",
                hint="pin a point inside the space, or `add` one that was made outside of it",
            )
        number = self._next()
        self._remark("pin", reason, number)
        self._records[number] = self._fresh(number, factors)
        self._pinned.append(number)
        return number

    def reject(self, number: int, reason: str) -> None:
        """A suggestion that nobody will make: it teaches nothing, keeps its number, and the optimiser goes
        on. To keep it from coming back, `veto` its region.
        """
        record = self._known(number)
        if record.status != "pending":
            raise InputError(
                f"trial {number} is {record.status} and can't be rejected",
                hint="tell it again to correct its outcome",
            )
        self._remark("reject", reason, number)
        self._records[number] = TrialRecord(
            number=number,
            factors=record.factors,
            status="aborted",
            reason=reason,
            fidelity=record.fidelity,
        )
        if number in self._pinned:
            self._pinned.remove(number)

    def edit(self, number: int, factors: dict[str, Setting], reason: str) -> None:
        """What trial `number` was really made with, where that differs from what was asked for.

        Values outside the space are taken in: they are what happened.
        """
        record = self._known(number)
        changed = {**record.factors, **factors}
        self.space.check(changed, f"trial {number}")
        before = ", ".join(f"{name}={record.factors[name]}" for name in factors)
        self._remark("edit", reason, number, before)
        self._records[number] = record.model_copy(update={"factors": changed})

    def veto(self, condition: str, reason: str) -> None:
        """Never suggest a trial where `condition` holds, from now on: `solvent == 'DMF'`,
        `temperature > 80 degC and time > 2 h`. Trials that were made there still teach.

        Raises InputError if the condition makes no sense, or nothing would be left.
        """
        from lab.optimize.space.region import Region
        from lab.optimize.space.sampling import sample

        space = Space(
            factors=self.space.factors,
            constraints=(*self.space.constraints, f"not ({condition})"),
            at_most=self.space.at_most,
            alike=self.space.alike,
        )
        sample(Region(space), self.seed, 0, 1)
        self._remark("veto", reason, None, condition)
        self.space = space

    def _remark(
        self,
        kind: Literal["pin", "reject", "edit", "veto"],
        reason: str,
        trial: int | None,
        text: str = "",
    ) -> None:
        if not reason.strip():
            raise InputError(
                f"to {kind} without a reason", hint="say why, for whoever reads the record"
            )
        self._remarks.append(Remark(kind=kind, reason=reason, trial=trial, text=text))

    def evidence(self) -> Evidence:
        """How far the model can be trusted, and which factors matter (`lab.optimize.evidence`)."""
        from lab.optimize.evidence import evidence

        return evidence(self.space, self.direction, self.history, self.seed, self.options)

    def stopping(self, within: float) -> Stopping:
        """How probable it is that the best trial is `within` a distance of the optimum, in the
        objective's unit, and how much is left to gain; of a front both are shares of its volume, from 0 to 1. Whether
        to stop is yours to decide.
        """
        if isinstance(self.sought, Aim):
            from lab.optimize.stopping_several import stopping_several

            return stopping_several(
                self.space, self.sought, self.history, within, self.seed, self.options
            )
        from lab.optimize.evidence import stopping

        return stopping(self.space, self.sought, self.history, within, self.seed, self.options)

    def recommend(self) -> Recommendation | None:
        """The tested trial that the model believes to be the best, which luck can't fake: with an accuracy of factors the
        best over what is really set, of several fidelities one at the target. None without a measured value.
        """
        from lab.optimize.recommend import recommend

        return recommend(self.space, self.direction, self.history, self.options)

    # With pandas: one row per trial, a column per factor.

    def ask_frame(self, n: int = 1, *, held: Mapping[str, Setting] | None = None) -> pd.DataFrame:
        """As `ask`: indexed by trial, a column per factor, then the evidence of each suggestion."""
        from lab.optimize.frames import suggestions_frame

        return suggestions_frame(self.space, self.sought, self.ask(n, held=held))

    def tell_frame(self, frame: pd.DataFrame) -> None:
        """As `tell`, for each row: indexed by trial (or with a column `trial`), with a column `value` (of an aim
        a column per outcome), and `sd` and `failed` where wanted. All rows are taken in, or none.
        """
        from lab.optimize.frames import outcomes

        kept = dict(self._records), list(self._pinned)
        try:
            for number, value, sd, failed in outcomes(frame, self.sought, self.options.levels):
                self.tell(number, value, sd, failed=failed)
        except InputError:
            self._records, self._pinned = kept
            raise

    def add_frame(self, frame: pd.DataFrame) -> list[int]:
        """As `add`, for each row of earlier experiments: a column per factor, `value`, and `sd` and
        `failed` where wanted. All rows are taken in, or none. Returns their numbers.
        """
        from lab.optimize.frames import experiments

        kept = dict(self._records)
        try:
            return [
                self.add(factors, value, sd, failed=failed)
                for factors, value, sd, failed in experiments(
                    self.space, frame, self.sought, self.options.levels
                )
            ]
        except InputError:
            self._records = kept
            raise

    @property
    def frame(self) -> pd.DataFrame:
        """All trials: indexed by trial, a column per factor, `status`, `value` and `sd`."""
        from lab.optimize.frames import history_frame

        return history_frame(self.space, self.history, self.sought, self.options.levels)

    def to_json(self) -> str:
        """The whole state as a JSON document; `from_json` continues exactly where it stood."""
        return SavedCampaign(
            space=self.space,
            direction=self.sought if isinstance(self.sought, str) else None,
            aim=self.sought if isinstance(self.sought, Aim) else None,
            candidates=None if self._pool is None else self._pool.columns,
            seed=self.seed,
            initial=self.initial,
            method=self.method,
            design=self.design,
            options=self.options,
            history=self.history,
            pinned=tuple(self._pinned),
            remarks=self.remarks,
        ).model_dump_json(indent=2)

    @classmethod
    def from_json(cls, text: str) -> Campaign:
        """The campaign that `to_json` wrote. Raises InputError for any other text."""
        state = read_campaign(text)
        campaign = cls(
            state.space,
            state.sought,
            seed=state.seed,
            initial=state.initial,
            method=state.method,
            design=state.design,
            options=state.options,
        )
        if state.candidates is not None:
            from lab.optimize.pool import Pool

            campaign._pool = Pool.in_space(state.space, state.candidates)
        campaign._records = {r.number: r for r in check_history(state.space, state.history)}
        campaign._pinned = [number for number in state.pinned if number in campaign._records]
        campaign._remarks = list(state.remarks)
        return campaign
