"""Which tested trial is the best, by what the model believes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.optimize.history import check_history
from lab.optimize.model import fit_model
from lab.optimize.model.threads import single_threaded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lab.optimize.history import Direction, TrialRecord
    from lab.optimize.options import Options
    from lab.optimize.space import Space

__all__ = ["Recommendation", "recommend"]


@dataclass(frozen=True)
class Recommendation:
    """A tested point with what the model believes about it, in the objective's unit."""

    trial: TrialRecord
    mean: float
    standard_deviation: float


def recommend(
    space: Space,
    direction: Direction,
    history: Sequence[TrialRecord],
    options: Options | None = None,
) -> Recommendation | None:
    """The tested point with the best posterior mean, which luck can't fake; None without a measured
    value. Of several fidelities it was tested at the target. With an accuracy of factors it is the point that is best on average
    over what is really set, or at the quantile (`lab.optimize.acquire.robust`).
    """
    records = check_history(space, history)
    if not any(r.status == "done" and (options is None or options.is_target(r)) for r in records):
        return None
    with single_threaded():
        model = fit_model(space, direction, records, options=options)
        done = model.believed(records, options)
        points = space.points([record.factors for record in done])
        if options is not None and options.accuracy:
            from lab.optimize.acquire.robust import robust_moments

            means, deviations = robust_moments(model, options, points)
        else:
            means, deviations = model.predict(points)
    index = max(range(len(done)), key=lambda i: model.sign * means[i])
    return Recommendation(done[index], means[index], deviations[index])
