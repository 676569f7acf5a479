"""The optimiser's model for the campaign page, fitted in the background: a page never waits for it.

Fitted anew only when the number of finished trials (or the choice of factors) changes. One thread, because the
optimiser's library is imported slowly and shares its state.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Generic, TypeVar

from lab.domain.errors import LabError

if TYPE_CHECKING:
    from collections.abc import Callable

    from lab.domain.state import CampaignState, LabState
    from lab.optimize.evidence import Evidence

__all__ = ["ModelDesk", "Slice", "fit_evidence", "fit_slice"]

_POINTS = 31
_NO_MODEL = "the optimiser is not installed, so there is no model to show"
_REMEDY = "pip install 'labwright[optimize]'"


@dataclass(frozen=True)
class Slice:
    """Predictions in the objective's unit: `mean[j][i]` and `sd[j][i]` belong to `x[i]` and `y[j]`."""

    x: tuple[float, ...]
    y: tuple[float, ...]
    mean: tuple[tuple[float, ...], ...]
    sd: tuple[tuple[float, ...], ...]


def fit_slice(
    state: LabState, campaign: CampaignState, factor_x: str, factor_y: str | None
) -> Slice:
    """Fit and predict; the other factors are held where the best trial had them. Takes seconds; raises LabError.

    Without the optimiser installed: LabError that names the remedy.
    """
    try:
        from lab.optimize import recorded
        from lab.optimize.model import slice as predict
    except ImportError as error:
        raise LabError(_NO_MODEL, hint=_REMEDY) from error
    direction, history = recorded.first_outcome(campaign, state)
    space, options = recorded.space_of(campaign), recorded.options_of(campaign, first=True)
    found = predict(space, direction, history, factor_x, factor_y, points=_POINTS, options=options)
    return Slice(found.x, found.y, found.mean, found.standard_deviation)


def fit_evidence(
    state: LabState, campaign: CampaignState, _x: str = "", _y: str | None = None
) -> Evidence:
    """How well each trial is foretold by the others, of the first objective. Takes seconds; raises LabError."""
    try:
        from lab.optimize import recorded
        from lab.optimize.evidence import evidence
    except ImportError as error:
        raise LabError(_NO_MODEL, hint=_REMEDY) from error
    direction, history = recorded.first_outcome(campaign, state)
    space, options = recorded.space_of(campaign), recorded.options_of(campaign, first=True)
    return evidence(space, direction, history, campaign.spec.seed, options)


_Found = TypeVar("_Found")


class ModelDesk(Generic[_Found]):
    """Takes orders for what is computed of a campaign and hands it out when it is ready. Shared by all viewers."""

    def __init__(self, fit: Callable[[LabState, CampaignState, str, str | None], _Found]) -> None:
        self._fit = fit
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="model")
        self._lock = Lock()
        self._orders: dict[tuple[str, int, str, str | None], Future[_Found]] = {}
        self._shown: dict[tuple[str, str, str | None], _Found] = {}

    def slice(
        self, state: LabState, campaign: CampaignState, factor_x: str, factor_y: str | None
    ) -> tuple[_Found | None, bool]:
        """(the newest there is, whether it is of all finished trials). Never waits; raises LabError of a fit."""
        finished = sum(trial.status != "pending" for trial in campaign.trials.values())
        finished += len(campaign.outside)
        place = (campaign.spec.campaign, factor_x, factor_y)
        key = (campaign.spec.campaign, finished, factor_x, factor_y)
        with self._lock:
            order = self._orders.get(key)
            if order is None:
                for old in [k for k in self._orders if (k[0], k[2], k[3]) == place]:
                    self._orders.pop(old).cancel()
                order = self._pool.submit(self._fit, state, campaign, factor_x, factor_y)
                self._orders[key] = order
            if not order.done():
                return self._shown.get(place), False
            found = self._shown[place] = order.result()
            return found, True

    def close(self) -> None:
        """End the thread; orders that have not begun are dropped."""
        self._pool.shutdown(wait=True, cancel_futures=True)
