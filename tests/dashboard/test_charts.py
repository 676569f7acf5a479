"""Charts of a campaign: plain figure dictionaries that Plotly itself accepts."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Literal

import plotly.graph_objects as go
import pytest

from dashboard.charts import best_figure, front_figure, parity_figure, plain, slice_figure, utc_text
from lab.domain.reduce import reduce_all
from lab.domain.state import LabState
from tests.support.sample_journal import CAMPAIGN, START, sample_records

CAMPAIGN_STATE = reduce_all(LabState(), sample_records()).campaigns[CAMPAIGN]
TRIALS = list(CAMPAIGN_STATE.trials.values())
OBJECTIVE = CAMPAIGN_STATE.spec.objective


def trace(figure, name):
    return next(t for t in figure["data"] if t.get("name") == name)


def accepted(figure):
    """Plotly validates every name and value."""
    go.Figure(figure)
    assert json.loads(json.dumps(figure)) == json.loads(json.dumps(figure))
    return figure


def test_the_best_line_never_falls_and_follows_the_measured_values():
    figure = accepted(best_figure(TRIALS, OBJECTIVE))
    best = trace(figure, "Best so far")
    values = [t.value for t in TRIALS if t.value is not None]
    assert best["x"] == [1, 2, 4, 5, 6, 7, 8]
    assert best["y"] == [max(values[: n + 1]) for n in range(len(values))]


def test_the_best_line_falls_where_less_is_better():
    figure = best_figure(TRIALS, OBJECTIVE.model_copy(update={"direction": "minimize"}))
    values = [t.value for t in TRIALS if t.value is not None]
    assert trace(figure, "Best so far")["y"] == [min(values[: n + 1]) for n in range(len(values))]


def test_the_best_line_goes_to_a_target():
    target = OBJECTIVE.model_copy(update={"direction": "target", "target": 0.3})
    best = trace(best_figure(TRIALS, target), "Best so far")["y"]
    gaps = [abs(value - 0.3) for value in best]
    assert gaps == sorted(gaps, reverse=True)
    assert gaps[-1] == min(abs(t.value - 0.3) for t in TRIALS if t.value is not None)


def test_what_is_beyond_the_range_is_marked_with_its_side():
    done = [trial for trial in TRIALS if trial.value is not None]
    name = OBJECTIVE.result
    trials = [
        replace(done[0], beyond={name: "above"}), replace(done[1], beyond={name: "below"}), *done[2:]
    ]  # fmt: skip
    figure = accepted(best_figure(trials, OBJECTIVE))
    assert trace(figure, "Above what is measurable")["x"] == [done[0].number]
    assert trace(figure, "Below what is measurable")["x"] == [done[1].number]
    assert trace(figure, "Measured, spread over the space")["x"] == [4, 5, 6]
    plainly = {t.get("name") for t in best_figure(TRIALS, OBJECTIVE)["data"]}
    assert not plainly & {"Above what is measurable", "Below what is measurable"}


def test_a_front_stands_out_and_is_joined_in_order():
    values = {1: (3.0, 1.0), 2: (1.0, 4.0), 3: (0.5, 0.5), 4: (2.0, 3.0)}
    trials = [
        replace(TRIALS[0], number=n, outcomes={"a": a, "b": b}) for n, (a, b) in values.items()
    ]
    objectives = [OBJECTIVE.model_copy(update={"result": name, "unit": "g"}) for name in "ab"]
    failed = replace(trials[0], number=6, status="failed")
    without = replace(TRIALS[0], number=5)
    figure = accepted(front_figure([*trials, without, failed], objectives, [1, 2, 4]))
    front, beaten = trace(figure, "On the front"), trace(figure, "Beaten, or beyond a limit")
    assert front["text"] == ["2", "4", "1"]
    assert front["x"] == [1.0, 2.0, 3.0]
    assert beaten["text"] == ["3"]
    assert figure["layout"]["xaxis"]["title"]["text"] == "a (g)"
    third = front_figure(trials, [*objectives, objectives[0]], [1])
    assert "lines" not in trace(third, "On the front")["mode"]


def test_points_tell_how_they_were_chosen_and_how_sure_they_are():
    figure = best_figure(TRIALS, OBJECTIVE)
    spread = trace(figure, "Measured, spread over the space")
    chosen = trace(figure, "Measured, chosen by the model")
    assert spread["x"] == [1, 2, 4, 5, 6]
    assert chosen["x"] == [7, 8]
    assert spread["marker"]["symbol"] != chosen["marker"]["symbol"]  # not by colour alone
    assert spread["error_y"]["array"] == [0.02] * 5
    assert "concentrate_volume = 4" in spread["customdata"][0]


def test_failed_trials_are_shown_with_their_reason():
    failed = trace(best_figure(TRIALS, OBJECTIVE), "Failed, no value")
    assert failed["x"] == [3]
    assert "mass differs" in failed["customdata"][0]
    assert failed["marker"]["symbol"] == "x"


def test_the_reference_is_a_line_with_its_source():
    reference = trace(best_figure(TRIALS, OBJECTIVE), "Reference 9.13 mS/cm")
    assert reference["y"] == [9.13, 9.13]
    assert "Landesfeind" in reference["hovertemplate"]
    without = best_figure(TRIALS, OBJECTIVE.model_copy(update={"reference": None}))
    assert not [t for t in without["data"] if "Reference" in t["name"]]


def test_axes_have_titles_with_units():
    for figure in (best_figure(TRIALS, OBJECTIVE), parity_figure(TRIALS, OBJECTIVE)):
        titles = [figure["layout"][a]["title"]["text"] for a in ("xaxis", "yaxis")]
        assert all(titles)
        assert any("(mS/cm)" in title for title in titles)
        assert figure["layout"]["uirevision"]


@pytest.mark.parametrize(
    "trials", [[], TRIALS[2:3], [replace(TRIALS[0], status="pending", value=None)]]
)
def test_nothing_measured_is_no_error(trials):
    accepted(best_figure(trials, OBJECTIVE))
    accepted(parity_figure(trials, OBJECTIVE))


def test_parity_shows_only_what_was_foretold():
    figure = accepted(parity_figure(TRIALS, OBJECTIVE))
    points = trace(figure, "Predicted ± 2 sd")
    assert points["text"] == ["7", "8"]
    assert points["error_y"]["array"] == [0.62, 0.62]
    low, high = figure["layout"]["xaxis"]["range"]
    assert low < min(points["x"]) <= max(points["x"]) < high


def test_a_slice_along_one_factor_has_a_band():
    figure = accepted(
        slice_figure(
            [0, 1, 2],
            (),
            [[1.0, 2.0, 3.0]],
            [[0.1, 0.2, 0.3]],
            ("a (mL)", "", "k (S)"),
            [(1, 2.1, 4)],
        )
    )
    band = trace(figure, "± 2 standard deviations")
    assert band["y"] == pytest.approx([1.2, 2.4, 3.6, 2.4, 1.6, 0.8])
    assert band["x"] == [0, 1, 2, 2, 1, 0]
    assert trace(figure, "Model")["y"] == [1.0, 2.0, 3.0]
    assert figure["layout"]["yaxis"]["title"]["text"] == "k (S)"


def test_a_slice_over_two_factors_shows_mean_or_uncertainty():
    mean, sd = [[1.0, 2.0], [3.0, 4.0]], [[0.1, 0.2], [0.3, 0.4]]
    labels = ("a (mL)", "b (mL)", "k (S)")
    views: list[tuple[Literal["mean", "sd"], list[list[float]]]] = [("mean", mean), ("sd", sd)]
    for shown, z in views:
        figure = accepted(
            slice_figure(
                [0, 1], [0, 1], mean, sd, labels, [(0, 1, 4)], failed=[(1, 1, 5)], shown=shown
            )
        )
        field, measured, failed = figure["data"]
        assert field["z"] == z
        assert field["colorbar"]["title"]["text"].endswith("k (S)")
        assert measured["text"] == ["4"]
        assert failed["text"] == ["5"]
        assert failed["marker"]["symbol"] == "x"
        assert figure["layout"]["yaxis"]["title"]["text"] == "b (mL)"


def test_names_are_never_read_as_markup():
    assert plain("<b>&") == "&lt;b&gt;&amp;"
    nasty = replace(TRIALS[2], reason="<script>")
    assert "<script>" not in json.dumps(best_figure([nasty], OBJECTIVE))


def test_times_are_utc():
    assert utc_text(START.timestamp() + 0.25) == "2026-03-02 08:00:00.250"
