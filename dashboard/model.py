"""The optimiser's model for the campaign page, fitted in the background: a page never waits for it.

Fitted anew only when the number of finished trials (or the choice of factors) changes. One thread, because the
optimiser's library is imported slowly and shares its state.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING

from lab.domain.errors import LabError

if TYPE_CHECKING:
    from collections.abc import Callable

    from lab.domain.state import CampaignState, LabState

__all__ = ["ModelDesk", "Slice", "fit_slice"]

_POINTS = 31


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
        raise LabError(
            "the optimiser is not installed, so there is no model to show",
            hint="pip install 'labwright[optimize]'",
        ) from error
    history = recorded.history_of(campaign, state)
    values = {t.number: t.value for t in (*campaign.outside, *campaign.trials.values())}
    if campaign.aim is not None:  # its outcomes have names, and one of them is shown
        history = [
            record
            if record.status != "done"
            else record.model_copy(update={"value": values[record.number], "outcomes": {}})
            for record in history
        ]
    space = recorded.space_of(campaign)
    # Of a target the outcome itself is shown, which has no better side.
    direction = "minimize" if campaign.spec.objective.direction == "minimize" else "maximize"
    found = predict(space, direction, history, factor_x, factor_y, points=_POINTS)
    return Slice(found.x, found.y, found.mean, found.standard_deviation)


class ModelDesk:
    """Takes orders for slices and hands them out when they are ready. Shared by all viewers."""

    def __init__(
        self, fit: Callable[[LabState, CampaignState, str, str | None], Slice] = fit_slice
    ) -> None:
        self._fit = fit
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="model")
        self._lock = Lock()
        self._orders: dict[tuple[str, int, str, str | None], Future[Slice]] = {}
        self._shown: dict[tuple[str, str, str | None], Slice] = {}

    def slice(
        self, state: LabState, campaign: CampaignState, factor_x: str, factor_y: str | None
    ) -> tuple[Slice | None, bool]:
        """(the newest slice there is, whether it is of all finished trials). Never waits; raises LabError of a fit."""
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
