"""The light model, and the light-matching example's known optimum."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from lab.devices.capability import CAPABILITIES
from lab.sop.expression import evaluate, parse_expression, unwrap
from lab.sop.load import load_campaign
from lab.sop.value import Value, from_number
from simulators.chemistry.light import CHANNELS_NM, counts, distance, full_scale

HIDDEN = (72, 150, 40)
EXAMPLE = Path(__file__).parents[2] / "sops" / "light_matching" / "campaign.yaml"


def example():
    return load_campaign(EXAMPLE, CAPABILITIES, {"clslab_light": ("light_mixing",)})


def target():
    """The spectrum that the example asks for, read from its file."""
    parameters = example().procedure.sop.parameters
    return {
        name: float(str(parameters[f"target_{name[2:]}"].default).split()[0])
        for name in CHANNELS_NM
    }


def test_each_led_shines_into_the_channel_at_its_peak():
    for colour, best in zip(
        ((255, 0, 0), (0, 255, 0), (0, 0, 255)), ("ch620", "ch510", "ch470"), strict=True
    ):
        found = counts(*colour)
        assert max(found, key=found.__getitem__) == best


def test_light_adds_up_and_grows_with_gain_and_time():
    mixed, parts = counts(10, 20, 30), [counts(10, 0, 0), counts(0, 20, 0), counts(0, 0, 30)]
    for name in CHANNELS_NM:
        assert mixed[name] == pytest.approx(sum(part[name] for part in parts))
        assert counts(10, 20, 30, gain=64)[name] == pytest.approx(mixed[name] / 2)
        assert counts(10, 20, 30, atime=201)[name] == pytest.approx(2 * mixed[name])


def test_full_white_fills_the_scale_but_does_not_leave_it():
    assert 0.5 * 65535 < max(counts(255, 255, 255).values()) < 65535
    assert max(counts(255, 255, 255, atime=255).values()) == 65535
    assert max(counts(255, 255, 255, atime=0, gain=512).values()) == full_scale(0, 999) == 1000


def test_darkness_is_dark_and_stray_light_is_the_same_everywhere():
    assert set(counts(0, 0, 0).values()) == {0.0}
    assert len({round(value, 6) for value in counts(0, 0, 0, ambient=0.01).values()}) == 1


def test_the_example_is_accepted_and_names_what_is_sought():
    bundle = example()
    assert bundle.campaign.objective is not None
    assert bundle.campaign.objective.result == "distance"
    assert bundle.campaign.objective.direction == "minimize"
    assert sorted(bundle.campaign.factors) == ["blue", "green", "red"]
    assert bundle.diagnostics == ()


def test_the_example_s_target_is_the_spectrum_of_one_mixture():
    assert target() == {name: round(value) for name, value in counts(*HIDDEN).items()}


def test_brute_force_finds_that_mixture_and_no_other():
    wanted = target()
    coarse = itertools.product(range(0, 256, 15), repeat=3)
    start = min(coarse, key=lambda rgb: distance(counts(*rgb), wanted))
    fine = itertools.product(*(range(max(0, x - 15), min(255, x + 15) + 1) for x in start))
    ranked = sorted((distance(counts(*rgb), wanted), rgb) for rgb in fine)
    assert ranked[0][1] == HIDDEN
    assert ranked[0][0] < 0.5
    assert ranked[1][0] > 5.0


@pytest.mark.parametrize("colour", [HIDDEN, (0, 0, 0), (255, 10, 200)])
def test_the_file_s_expression_is_that_distance(colour):
    text = unwrap(example().procedure.sop.results["distance"].value)
    assert text is not None
    seen, wanted = counts(*colour), target()
    names = {f"measure.{name}": from_number(seen[name], "count") for name in CHANNELS_NM}
    names |= {f"target_{name[2:]}": from_number(wanted[name], "count") for name in CHANNELS_NM}
    found = evaluate(parse_expression(text), names)
    assert isinstance(found, Value)
    assert found.number("count") == pytest.approx(distance(seen, wanted))
