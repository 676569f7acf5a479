"""Options that contradict one another, the space or what is sought are refused."""

from __future__ import annotations

import re

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
    Limit,
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
        ({"fidelities": WAYS, "accuracy": {"a": 0.1}}, "an accuracy of factors beside fidelities"),
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


def test_zeros_among_several_outcomes_are_named_and_worth_nothing():
    front = Aim((Goal("y", "maximize"), Goal("c", "minimize")), (Limit("p", minimum=0.5),))
    Campaign(SPACE, front, options=Options(zeros=("y",)))
    for zeros, words in (
        (True, "zeros where several outcomes are sought.*name the outcomes"),
        (("c",), "many zeros of c, which is no goal to maximise"),
        (("p",), "many zeros of p, which is no goal"),
        (("z",), "many zeros of z, which is no goal"),
    ):
        with pytest.raises(InputError) as caught:
            Campaign(SPACE, front, options=Options(zeros=zeros))
        assert re.search(words, f"{caught.value} {caught.value.hint}")
    below = Aim((Goal("y", "maximize", worst=-1.0), Goal("c", "minimize")))
    with pytest.raises(InputError, match="-1 as its worst value"):
        Campaign(SPACE, below, options=Options(zeros=("y",)))
    aimed = Aim((Goal("y", "target", target=0.0), Goal("c", "minimize")))
    with pytest.raises(InputError, match="many zeros of y, which is no goal"):
        Campaign(SPACE, aimed, options=Options(zeros=("y",)))
    with pytest.raises(InputError, match="where one value is sought"):
        Campaign(SPACE, "maximize", options=Options(zeros=("y",)))
    campaign = Campaign(SPACE, front, options=Options(zeros=("y",)))
    (item,) = campaign.ask()
    for told in (-1.0, "> 0"):
        with pytest.raises(InputError, match=r"y is .*where nothing is below zero"):
            campaign.tell(item.number, {"y": told, "c": 1.0, "p": 1.0})
    campaign.tell(item.number, {"y": 0.0, "c": -1.0, "p": 1.0})
    assert Campaign.from_json(campaign.to_json()).options == campaign.options


def test_a_grade_among_several_outcomes_is_refused_with_the_reason():
    with pytest.raises(InputError, match="levels of a grade where several") as caught:
        Campaign(SPACE, Aim((Goal("y", "maximize"),)), options=Options(levels=("low", "high")))
    assert "the number behind a grade has none" in str(caught.value.hint)
