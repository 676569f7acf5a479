"""The peers, each as its documentation uses it, with its own defaults.

They are installed with the extra `peers` (BoTorch is there anyway). What has no candidate list (Ax, BoFire,
Optuna) proposes a point, and the nearest row that is left is taken.
"""

# None of the peers has complete types.
# pyright: reportUnknownMemberType=false, reportMissingTypeStubs=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownParameterType=false, reportMissingImports=false
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

import importlib
import importlib.util
import logging
import warnings
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np

from lab.domain.errors import InputError
from lab.optimize.bench.asker import Ours
from lab.optimize.bench.result import Ground
from lab.optimize.bench.tasks import Task
from lab.optimize.space import Category

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from lab.optimize.bench.asker import Asker
    from lab.optimize.bench.fronts import FrontTask
    from lab.optimize.domain import Indices
    from lab.optimize.history import Direction, TrialRecord
    from lab.optimize.space import Setting, Space

__all__ = ["PEERS", "SEVERAL", "Peer", "installed", "make_asker"]

PEERS = ("ax", "baybe", "bofire", "botorch", "optuna")
_LOADED = {"ax": "ax.api.client", "bofire": "bofire.strategies.api"}
"""What is loaded of a peer that loads its parts when they are used."""
SEVERAL = ("ax", "bofire")
"""Those that are run where several goals are sought. `make_asker` knows no others for a `FrontTask`."""


def installed(name: str) -> bool:
    """Whether a peer can be run. InputError for a name that is none, and for a peer that is there but can't be loaded."""
    if name not in PEERS:
        raise InputError(f"{name} is no peer", hint=f"the peers are: {', '.join(PEERS)}")
    if importlib.util.find_spec(name) is None:
        return False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            importlib.import_module(_LOADED.get(name, name))
    except ImportError as error:
        raise InputError(
            f"{name} is installed and can't be loaded: {error}",
            hint="install what it wants, or labwright[peers] as a whole",
        ) from None
    return True


def make_asker(name: str, task: Task | FrontTask, seed: int, init: int) -> Asker:
    """A method ("ours" or a peer) in a campaign of its own. What a peer warns of and logs is of no interest here."""
    if name == "ours":
        return Ours(task, seed, init)
    both: dict[str, Callable[[Task | FrontTask, int, int], Asker]] = {
        "ax": AxPeer,
        "bofire": BofirePeer,
    }
    made: dict[str, Callable[[Task, int, int], Asker]] = {
        **both,
        "baybe": BaybePeer,
        "botorch": BotorchPeer,
        "optuna": OptunaPeer,
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if isinstance(task, Task):
            return made[name](task, seed, init)
        return both[name](task, seed, init)


def _goals(task: Task | FrontTask) -> dict[str, Direction]:
    """What is measured, and which of it is better."""
    if isinstance(task, Task):
        return {"y": task.direction}
    return {g.outcome: "minimize" if g.sign < 0 else "maximize" for g in task.aim.goals}


def _told(record: TrialRecord) -> dict[str, float]:
    """The same of a trial."""
    return {"y": record.value} if record.value is not None else dict(record.outcomes)


G = TypeVar("G", bound=Ground)


class Peer(ABC, Generic[G]):
    """A peer in one campaign on the task; each defines `propose`, and `take` where it keeps state."""

    def __init__(self, task: G, seed: int, init: int) -> None:
        self.task: G = task
        self.seed, self.init = seed, init
        self.records: list[TrialRecord] = []
        self.tried: list[int] = []

    def tell(self, records: Sequence[TrialRecord]) -> None:
        """Trials that failed are left out, as the peers' defaults do."""
        records = [record for record in records if record.status == "done"]
        self.records += records
        if self.task.pool is not None:
            rows = [self.task.pool.find(record.factors) for record in records]
            self.tried += [row for row in rows if row is not None and row not in self.tried]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.take(records)

    def ask(self, n: int) -> list[dict[str, Setting]]:
        import torch

        with warnings.catch_warnings(), torch.random.fork_rng(devices=[]):
            warnings.simplefilter("ignore")
            torch.manual_seed(1000 * self.seed + len(self.records))
            return self.propose(n)

    def take(self, records: Sequence[TrialRecord]) -> None:
        """What a peer that keeps state does with new trials."""
        del records  # one that keeps none looks at all of them when it proposes

    @abstractmethod
    def propose(self, n: int) -> list[dict[str, Setting]]:
        """The next `n` points, not yet tried."""

    def free(self) -> Indices:
        """Indices of the rows that were not tried."""
        assert self.task.pool is not None
        return np.setdiff1d(np.arange(len(self.task.pool)), self.tried)

    def snapped(self, factors: dict[str, Setting]) -> dict[str, Setting]:
        """Of a table the nearest row that is left, and it counts as tried."""
        pool = self.task.pool
        if pool is None:
            return factors
        space, free = pool.space, self.free()
        point = space.encode(np.array([space.row(factors)]))
        gaps = ((space.encode(pool.rows[free]) - point) ** 2).sum(axis=1)
        row = int(free[int(gaps.argmin())])
        self.tried.append(row)
        return pool.values(row)


class BotorchPeer(Peer[Task]):
    """SingleTaskGP and qLogNEI with their default priors, 10 restarts and 512 raw samples; a table's rows
    are scored one by one, with the batch's own as pending points."""

    _blind = 0

    def propose(self, n: int) -> list[dict[str, Setting]]:
        import torch
        from botorch.acquisition.logei import qLogNoisyExpectedImprovement
        from botorch.fit import fit_gpytorch_mll
        from botorch.models import SingleTaskGP
        from botorch.optim import optimize_acqf
        from gpytorch.mlls import ExactMarginalLogLikelihood

        task, space = self.task, self.task.space
        if not self.records:  # a model of nothing can't be made: an even spread, each time another
            self._blind += n
            return [self.snapped(f) for f in task.first(self.seed, self.init + self._blind)[-n:]]
        x = torch.tensor([space.to_unit(r.factors) for r in self.records], dtype=torch.double)
        y = torch.tensor([[task.sign * (r.value or 0.0)] for r in self.records], dtype=torch.double)
        gp = SingleTaskGP(x, y)
        fit_gpytorch_mll(ExactMarginalLogLikelihood(gp.likelihood, gp))
        acquisition = qLogNoisyExpectedImprovement(gp, X_baseline=x)
        d = space.dimension
        if task.pool is None:
            box = torch.tensor([[0.0] * d, [1.0] * d], dtype=torch.double)
            found, _ = optimize_acqf(acquisition, box, q=n, num_restarts=10, raw_samples=512)
            return [space.from_unit(point) for point in found.tolist()]
        rows: list[int] = []
        free = self.free()
        points = torch.tensor(space.encode(task.pool.rows), dtype=torch.double)
        for _ in range(n):
            left = np.setdiff1d(free, rows)
            with torch.no_grad():
                blocks = points[left][:, None, :].split(512)
                values = torch.cat([acquisition(block) for block in blocks])
            rows.append(int(left[int(values.argmax())]))
            acquisition.set_X_pending(points[rows])
        return [task.pool.values(row) for row in rows]


class AxPeer(Peer["Task | FrontTask"]):
    """The Client with its default strategy; our first points are attached as its initial trials."""

    def __init__(self, task: Task | FrontTask, seed: int, init: int) -> None:
        super().__init__(task, seed, init)
        logging.getLogger("ax").setLevel(logging.ERROR)
        from ax.api.client import Client
        from ax.api.configs import ChoiceParameterConfig, RangeParameterConfig

        self.client: Any = Client(random_seed=seed)
        self.client.configure_experiment(
            parameters=[
                ChoiceParameterConfig(
                    name=f.name, values=list(f.choices), parameter_type="str", is_ordered=False
                )
                if isinstance(f, Category)
                else RangeParameterConfig(
                    name=f.name, parameter_type="float", bounds=(f.minimum, f.maximum)
                )
                for f in task.space.factors
            ]
        )
        goals = [name if way == "maximize" else f"-{name}" for name, way in _goals(task).items()]
        self.client.configure_optimization(objective=", ".join(goals))
        self.client.configure_generation_strategy(initialization_budget=init)

    def take(self, records: Sequence[TrialRecord]) -> None:
        for record in records:
            index = self.client.attach_trial(parameters=dict(record.factors))
            self.client.complete_trial(trial_index=index, raw_data=_told(record))

    def propose(self, n: int) -> list[dict[str, Setting]]:
        found = self.client.get_next_trials(max_trials=n)
        for index in found:  # what is told is attached again, with the settings that were made
            self.client.mark_trial_abandoned(trial_index=index)
        made = [self.snapped(dict(parameters)) for parameters in found.values()]
        while len(made) < n:  # it may give fewer than asked for
            made.append(self.snapped(self.task.first(self.seed + 7919 + len(made), 1)[0]))
        return made


class BaybePeer(Peer[Task]):
    """A Campaign with its default recommender; a table is its discrete search space, with the same descriptors."""

    def __init__(self, task: Task, seed: int, init: int) -> None:
        super().__init__(task, seed, init)
        import pandas as pd
        from baybe import Campaign
        from baybe.parameters import (
            CategoricalParameter,
            CustomDiscreteParameter,
            NumericalContinuousParameter,
            NumericalDiscreteParameter,
        )
        from baybe.searchspace import SearchSpace
        from baybe.targets import NumericalTarget

        pool = task.pool
        if pool is None:
            space = SearchSpace.from_product(
                [
                    NumericalContinuousParameter(f.name, (f.minimum, f.maximum))
                    for f in task.space.factors
                    if not isinstance(f, Category)
                ]
            )
        else:
            table = pd.DataFrame({name: list(values) for name, values in pool.settings.items()})

            def named(f: Category) -> object:
                if f.descriptors is None:
                    return CategoricalParameter(f.name, f.choices)
                told = pd.DataFrame.from_dict(f.descriptors, orient="index")
                told.columns = [f"d{k}" for k in range(told.shape[1])]
                return CustomDiscreteParameter(f.name, told.loc[:, told.nunique() > 1])

            space = SearchSpace.from_dataframe(
                table,
                [
                    named(f)
                    if isinstance(f, Category)
                    else NumericalDiscreteParameter(f.name, sorted(set(table[f.name])))
                    for f in task.space.factors
                ],
            )
        target = NumericalTarget("y", minimize=task.sign < 0)
        self.campaign: Any = Campaign(space, target.to_objective())

    def take(self, records: Sequence[TrialRecord]) -> None:
        import pandas as pd

        rows = [{**record.factors, "y": record.value} for record in records]
        if not rows:
            return
        self.campaign.add_measurements(pd.DataFrame(rows))

    def propose(self, n: int) -> list[dict[str, Setting]]:
        found = self.campaign.recommend(batch_size=n)
        return [
            {name: row[name] for name in self.task.space.names} for row in found.to_dict("records")
        ]


class BofirePeer(Peer["Task | FrontTask"]):
    """The SoboStrategy for one goal, the MoboStrategy for several, as they come."""

    def __init__(self, task: Task | FrontTask, seed: int, init: int) -> None:
        super().__init__(task, seed, init)
        from bofire.data_models.strategies.api import MoboStrategy, SoboStrategy
        from bofire.strategies.api import map as strategy_of

        kind = SoboStrategy if isinstance(task, Task) else MoboStrategy
        domain = _bofire_domain(task.space, _goals(task))
        self.strategy: Any = strategy_of(kind(domain=domain, seed=seed))

    def take(self, records: Sequence[TrialRecord]) -> None:
        import pandas as pd

        rows = [
            {**record.factors, **told, **{f"valid_{name}": 1 for name in told}}
            for record in records
            if (told := _told(record))
        ]
        if rows:
            self.strategy.tell(pd.DataFrame(rows))

    def propose(self, n: int) -> list[dict[str, Setting]]:
        found = self.strategy.ask(n)[list(self.task.space.names)]
        return [self.snapped(row) for row in found.to_dict("records")]


def _bofire_domain(space: Space, goals: Mapping[str, Direction]) -> object:
    """A space and what is sought, as BoFire's domain."""
    from bofire.data_models.domain.api import Domain
    from bofire.data_models.features.api import (
        CategoricalInput,
        ContinuousInput,
        ContinuousOutput,
    )
    from bofire.data_models.objectives.api import MaximizeObjective, MinimizeObjective

    kinds = {"maximize": MaximizeObjective, "minimize": MinimizeObjective}
    return Domain.from_lists(
        inputs=[
            CategoricalInput(key=f.name, categories=list(f.choices))
            if isinstance(f, Category)
            else ContinuousInput(key=f.name, bounds=(f.minimum, f.maximum))
            for f in space.factors
        ],
        outputs=[
            ContinuousOutput(key=name, objective=kinds[direction](w=1.0))
            for name, direction in goals.items()
        ],
    )


class OptunaPeer(Peer[Task]):
    """A study with the GPSampler; the trials of a batch run at the same time."""

    def __init__(self, task: Task, seed: int, init: int) -> None:
        super().__init__(task, seed, init)
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self.space: dict[str, Any] = {
            f.name: optuna.distributions.CategoricalDistribution(f.choices)
            if isinstance(f, Category)
            else optuna.distributions.FloatDistribution(f.minimum, f.maximum)
            for f in task.space.factors
        }
        sampler = optuna.samplers.GPSampler(seed=seed, n_startup_trials=init)
        self.study: Any = optuna.create_study(direction=task.direction, sampler=sampler)
        self.running: list[Any] = []

    def take(self, records: Sequence[TrialRecord]) -> None:
        import optuna

        for trial in self.running:  # what is told is added with the settings that were made
            self.study.tell(trial, state=optuna.trial.TrialState.FAIL)
        self.running = []
        for record in records:
            made = optuna.trial.create_trial(
                params=dict(record.factors), distributions=self.space, value=record.value
            )
            self.study.add_trial(made)

    def propose(self, n: int) -> list[dict[str, Setting]]:
        self.running = [self.study.ask(self.space) for _ in range(n)]
        return [self.snapped(dict(trial.params)) for trial in self.running]
