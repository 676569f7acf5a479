"""Options that contradict one another, the space or what is sought are refused."""

from __future__ import annotations

import pytest

from lab.domain.errors import InputError
from lab.optimize import (
    Aim,
    Campaign,
    Category,
    Earlier,
    Factor,
    Fidelity,
    Goal,
    Options,
    Space,
    TrialRecord,
)
from lab.optimize.pool import Pool

SPACE = Space((Factor("a", "1", 0.0, 1.0), Factor("b", "1", 0.0, 1.0)))
MIDDLE = TrialRecord(number=1, factors={"a": 0.5, "b": 0.5}, status="done", value=1.0)
EARLIER = Earlier("spring", (MIDDLE,))
WAYS = (Fidelity("fast", 0.1), Fidelity("real", 1.0))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"fidelities": WAYS[:1]}, "at least two"),
        ({"fidelities": (WAYS[0], WAYS[0])}, "at least two"),
        ({"fidelities": WAYS[::-1]}, "costs as much as fast"),
        ({"fidelities": WAYS, "per_cost": True}, "each fidelity has its cost"),
        ({"fidelities": WAYS, "accuracy": {"a": 0.1}}, "choose one of the two"),
        ({"earlier": (EARLIER, EARLIER)}, "name each differently"),
        ({"levels": ("low",)}, "at least two"),
        ({"levels": ("low", "low")}, "each differently"),
        ({"levels": ("low", " high")}, "the levels of a grade"),
        ({"levels": ("low", "high"), "zeros": True}, "no zero, only a lowest level"),
        ({"levels": ("low", "high"), "outliers": True}, "outliers beside a grade"),
        ({"levels": ("low", "high"), "fidelities": WAYS}, "fidelities beside a grade"),
        ({"zeros": True, "accuracy": {"a": 0.1}}, "beside an outcome with many zeros"),
    ],
    ids=[
        "one",
        "twice",
        "dear",
        "cost",
        "accuracy",
        "names",
        "level",
        "levels",
        "blank",
        "both",
        "gross",
        "ways",
        "spread",
    ],
)
def test_options_that_contradict_one_another_are_refused(given, words: str):
    with pytest.raises(InputError) as caught:
        Options(**given)
    assert words in f"{caught.value} {caught.value.hint}"


def test_options_that_do_not_go_with_what_is_sought_are_refused():
    aim = Aim((Goal("y", "maximize"),))
    for options in (
        Options(outliers=True),
        Options(fidelities=WAYS),
        Options(accuracy={"a": 0.1}),
        Options(levels=("low", "high")),
        Options(zeros=True),
    ):
        with pytest.raises(InputError, match="where several outcomes are sought"):
            Campaign(SPACE, aim, options=options)
    pool = Pool.from_columns({"a": [0.0, 0.5, 1.0]})
    for options, why in (
        (Options(fidelities=WAYS), "what is tried, not how it is measured"),
        (Options(accuracy={"a": 0.1}), "made as it is listed"),
    ):
        with pytest.raises(InputError, match="where candidates of a list are sought") as caught:
            Campaign.of(pool, options=options)
        assert why in str(caught.value.hint)
    with pytest.raises(InputError, match="earlier campaign spring has one value"):
        Campaign(SPACE, aim, options=Options(earlier=(EARLIER,)))
    other = Space((*SPACE.factors, Category("s", ("x", "z"))))
    with pytest.raises(InputError, match="of the earlier campaign spring: no value for factor s"):
        Campaign(other, options=Options(earlier=(EARLIER,)))
    with pytest.raises(InputError, match="costs 0"):
        Fidelity("fast", 0.0)
    campaign = Campaign(SPACE, options=Options(fidelities=WAYS))
    with pytest.raises(InputError, match="a function of the cost beside fidelities"):
        campaign.ask(cost_of=lambda _: 1.0)
