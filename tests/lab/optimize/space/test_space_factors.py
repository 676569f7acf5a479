"""Kinds of factors: what they refuse, and how the model sees them."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import TypeAdapter

from lab.domain.errors import InputError
from lab.optimize import AtMost, Category, Factor, Levels, Space

SOLVENTS = ("water", "ethanol", "toluene")


def _mixed() -> Space:
    return Space(
        factors=(
            Factor("flow", "mL/min", 0.5, 2.0),
            Factor("cycles", "1", 1, 10, step=1),
            Levels("rpm", "rpm", (100, 300, 1000)),
            Category("solvent", SOLVENTS),
        )
    )


def test_a_row_and_its_values_are_the_same_thing():
    space = _mixed()
    values = {"flow": 1.25, "cycles": 4.0, "rpm": 300.0, "solvent": "ethanol"}
    unit = space.to_unit(values)
    assert unit == pytest.approx((0.5, 3 / 9, 200 / 900, 0, 1, 0))
    assert space.from_unit(unit) == values


def test_a_point_between_levels_becomes_the_nearest_level():
    space = _mixed()
    values = space.from_unit((0.2, 0.5, 0.12, 0.3, 0.4, 0.3))
    assert values == {"flow": 0.8, "cycles": 5.0, "rpm": 300.0, "solvent": "ethanol"}


def test_a_step_that_does_not_end_at_the_maximum_stops_before_it():
    assert Factor("a", "g", 0, 1, step=0.3).levels == (0.0, 0.3, 0.6, 0.9)
    assert Factor("a", "g", 0, 1, step=0.1).levels == tuple(k / 10 for k in range(11))


@pytest.mark.parametrize("step", [0.0, -1.0, 2.0])
def test_a_step_must_fit_into_the_range(step: float):
    with pytest.raises(InputError, match="a step of"):
        Factor("a", "g", 0, 1, step=step)


@pytest.mark.parametrize(
    ("levels", "words"),
    [((1.0,), "too few"), ((1.0, 1.0), "do not ascend"), ((2.0, 1.0), "do not ascend")],
)
def test_levels_ascend(levels: tuple[float, ...], words: str):
    with pytest.raises(InputError, match=words):
        Levels("a", "g", levels)


@pytest.mark.parametrize("choices", [("water",), ("water", "water"), ()])
def test_a_category_has_different_choices(choices: tuple[str, ...]):
    with pytest.raises(InputError, match="at least two different names"):
        Category("solvent", choices)


def test_one_hot_columns_share_a_lengthscale_and_descriptors_have_their_own():
    space = Space(
        factors=(
            Category("solvent", SOLVENTS),
            Factor("flow", "mL/min", 0, 1),
            Category("base", ("a", "b", "c"), {"a": (1.0, 5.0), "b": (2.0, 1.0), "c": (3.0, 5.0)}),
        )
    )
    assert space.dimension == 6
    assert space.groups.tolist() == [0, 0, 0, 1, 2, 3]


def test_descriptors_are_scaled_and_redundant_ones_left_out():
    category = Category(
        "solvent",
        SOLVENTS,
        {
            "water": (80.0, 1.0, 7.0, 0.0),
            "ethanol": (24.0, 1.0, 9.0, 0.7),
            "toluene": (2.0, 1.0, 7.0, 1.0),
        },
    )  # the second is constant, the fourth falls as the first rises
    assert category.codes.tolist() == [
        [1.0, 0.0],
        pytest.approx([22 / 78, 1.0]),
        [0.0, 0.0],
    ]


def test_what_the_model_does_not_see_is_said():
    table = {"water": (80.0, 1.0, 0.0), "ethanol": (24.0, 1.0, 0.7), "toluene": (2.0, 1.0, 1.0)}
    named = Category("solvent", SOLVENTS, table, ("eps", "phase", "logP"))
    assert named.left_out == (
        "phase (the same for all)",
        "logP (correlates by -1.00 with eps)",
    )
    assert Category("solvent", SOLVENTS, table).left_out == (
        "column 2 (the same for all)",
        "column 3 (correlates by -1.00 with column 1)",
    )
    assert Category("solvent", SOLVENTS).left_out == ()
    with pytest.raises(InputError, match="2 names of 3 descriptors"):
        Category("solvent", SOLVENTS, table, ("eps", "phase"))


def test_a_choice_between_molecules():
    smiles = {"water": "O", "ethanol": "CCO", "propanol": "CCCO", "toluene": "Cc1ccccc1"}
    category = Category.from_smiles("solvent", smiles)
    assert category.choices == tuple(smiles)
    assert category.columns is not None
    assert len(category.left_out) == len(category.columns) - category.codes.shape[1]
    assert any("MolWt" in words or "Mol" in words for words in category.left_out)
    gaps = ((category.codes[:, None] - category.codes[None]) ** 2).sum(axis=2)
    assert gaps[1].argsort().tolist()[1] == 2  # of all, propanol is nearest to ethanol


@pytest.mark.parametrize(
    ("smiles", "words"),
    [
        ({"water": "O", "ethanol": "CC(O"}, r'the SMILES "CC\(O" of ethanol'),
        ({"water": "O", "ice": "[OH2]"}, "the same descriptors"),
        ({"water": "O"}, "at least two"),
    ],
)
def test_molecules_that_make_no_choice_are_refused(smiles: dict[str, str], words: str):
    with pytest.raises(InputError, match=words):
        Category.from_smiles("solvent", smiles)


def test_descriptors_that_only_together_tell_choices_apart_are_kept():
    table = {"a": (0.0, 0.0), "b": (1.0, 1.0), "c": (1.0, 0.9), "d": (0.0, 0.1)}
    category = Category("x", ("a", "b", "c", "d"), table)
    assert len(np.unique(category.codes, axis=0)) == 4


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"water": (1.0,), "ethanol": (2.0,)}, "toluene has no descriptors"),
        ({"water": (1.0,), "ethanol": (2.0,), "toluene": (3.0,), "oil": (4.0,)}, "oil"),
        ({"water": (1.0,), "ethanol": (2.0, 3.0), "toluene": (3.0,)}, "2 descriptors"),
        ({"water": (1.0,), "ethanol": (float("nan"),), "toluene": (3.0,)}, "not a finite"),
        ({"water": (1.0,), "ethanol": (1.0,), "toluene": (3.0,)}, "the same descriptors"),
    ],
)
def test_a_table_of_descriptors_must_be_whole(table: dict[str, tuple[float, ...]], words: str):
    with pytest.raises(InputError, match=words):
        Category("solvent", SOLVENTS, table)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"solvent": "oil"}, "solvent is 'oil'"),
        ({"solvent": 1.0}, "solvent is 1.0"),
        ({"flow": "fast"}, "flow is fast"),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused(values: dict[str, object], words: str):
    good = {"flow": 1.0, "cycles": 4.0, "rpm": 300.0, "solvent": "ethanol"}
    with pytest.raises(InputError, match=words):
        _mixed().check({**good, **values}, "trial 1")


def test_what_a_trial_breaks_is_said_in_words():
    space = Space(
        factors=_mixed().factors,
        constraints=("solvent != 'toluene' or flow <= 1 mL/min",),
    )
    good = {"flow": 1.5, "cycles": 4.0, "rpm": 300.0, "solvent": "ethanol"}
    assert space.broken(good) == []
    assert space.broken({**good, "flow": 3.0}) == ["flow is 3, outside 0.5 to 2 mL/min"]
    assert space.broken({**good, "cycles": 4.5}) == ["cycles is 4.5, which is between its levels"]
    assert space.broken({**good, "rpm": 500.0}) == ["rpm is 500, which is between its levels"]
    assert space.broken({**good, "solvent": "toluene"}) == [
        "not solvent != 'toluene' or flow <= 1 mL/min"
    ]


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (AtMost(("a", "z"), 1), "z is not a factor"),
        (AtMost(("a", "b"), 2), "fewer than all"),
        (AtMost(("a", "b"), 0), "at most 0"),
        (AtMost(("a", "a"), 1), "at most 1"),
        (AtMost(("a", "c"), 1), "c can't be left out"),
    ],
)
def test_an_at_most_rule_that_makes_no_sense_is_refused(rule: AtMost, words: str):
    factors = (Factor("a", "g", 0, 1), Factor("b", "g", 0, 1), Factor("c", "g", 1, 2))
    with pytest.raises(InputError) as caught:
        Space(factors=factors, at_most=(rule,))
    assert words in f"{caught.value.message} {caught.value.hint}"


def test_a_name_that_is_to_be_alike_must_exist():
    with pytest.raises(InputError, match="oven is not a factor"):
        Space(factors=(Factor("a", "g", 0, 1),), alike=("oven",))


def test_a_space_with_everything_survives_json():
    space = Space(
        factors=(
            *_mixed().factors,
            Factor("x", "g", 0, 1),
            Factor("y", "g", 0, 1),
            Category("base", ("k", "l"), {"k": (0.0,), "l": (1.0,)}),
        ),
        constraints=("x + y <= 1.5 g",),
        at_most=(AtMost(("x", "y"), 1),),
        alike=("rpm",),
    )
    adapter = TypeAdapter(Space)
    again = adapter.validate_json(adapter.dump_json(space))
    assert again == space
    assert again.fingerprint == space.fingerprint


def test_plain_spaces_keep_the_fingerprint_that_old_campaigns_had():
    space = Space(factors=(Factor("a", "mL", 0.5, 7.0), Factor("b", "mL", 0.0, 3.0)))
    assert space.fingerprint == ["a", "0.5", "7.0", "b", "0.0", "3.0"]
    assert Space(factors=space.factors, constraints=("a >= b",)).fingerprint != space.fingerprint
