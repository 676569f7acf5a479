"""The timeline: outline for the plan, fill for what happened, lanes where steps overlap."""

from __future__ import annotations

import json
from dataclasses import replace

import plotly.graph_objects as go
import pytest

from dashboard.gantt import Bar, timeline_figure
from dashboard.views.timeline import bars_of, within
from lab.domain import event as ev
from lab.domain.plan import Slot
from lab.records.reader import open_records
from tests.support.sample_journal import CAMPAIGN, START, UNTIL_S, SampleLab

T0 = START.timestamp()
NOW = T0 + UNTIL_S


@pytest.fixture
def sample(tmp_path):
    lab = SampleLab(tmp_path / "lab.db")
    yield lab
    lab.close()


@pytest.fixture
def bars(sample):
    with open_records(sample.path) as records:
        return bars_of(records.state(), records.step_times(), NOW)


def bar(**more) -> Bar:
    base = Bar("c/r001", 1, "heat", "Heat", "hotplate", "succeeded", 1, (0.0, 50.0), (1.0, 60.0))
    return replace(base, **more)


def test_every_step_that_was_planned_or_begun_has_a_bar(bars):
    by_run = {}
    for entry in bars:
        by_run.setdefault(entry.trial, []).append(entry.step)
    assert len(by_run[1]) == 11
    assert "heater_off" not in by_run[1]  # never needed
    assert by_run[3] == [
        "tare",
        "dose_concentrate",
        "dose_dilute",
        "dose_solvent",
        "weigh",
        "heater_off",
    ]
    assert len(by_run[6]) == 11  # the plan ahead is in it


def test_running_steps_reach_until_now(bars):
    (heat,) = [b for b in bars if b.trial == 5 and b.step == "heat"]
    assert heat.status == "running"
    assert heat.actual_s is not None
    assert heat.actual_s[1] == NOW
    (drain,) = [b for b in bars if b.trial == 5 and b.step == "drain"]
    assert drain.actual_s is None
    assert drain.planned_s is not None


def test_runs_that_are_planned_and_not_started_are_drawn(sample):
    slot = Slot(run=f"{CAMPAIGN}/r007", step="tare", device="balance", start_s=2000, end_s=2005)
    sample.add(ev.TimelinePlanned(campaign=CAMPAIGN, origin=START, reason="test", slots=(slot,)))
    with open_records(sample.path) as records:
        bars = bars_of(records.state(), records.step_times(), NOW)
    (planned,) = [b for b in bars if b.trial == 7]
    assert planned.planned_s == (T0 + 2000, T0 + 2005)
    assert planned.status == "waiting"


def test_problems_are_failures_and_second_tries(bars):
    assert {(b.trial, b.step) for b in bars if b.problem} == {(3, "weigh")}
    assert bar(attempts=2).problem
    assert bar(status="interrupted").problem
    assert not bar().problem


def test_plotly_accepts_the_figure_both_ways(bars):
    for by in ("device", "sample"):
        figure = timeline_figure(bars, by, NOW)
        go.Figure(figure)
        json.dumps(figure)


def test_planned_is_outlined_and_actual_filled(bars):
    planned, actual = timeline_figure(bars, "device", NOW)["data"]
    assert set(planned["marker"]["color"]) == {"rgba(0,0,0,0)"}
    assert "rgba(0,0,0,0)" not in actual["marker"]["color"]
    assert len(planned["x"]) == sum(b.planned_s is not None for b in bars)
    assert len(actual["x"]) == sum(b.actual_s is not None for b in bars)
    assert actual["base"][0].startswith("2026-03-02 08:00:0")


def test_lengths_are_in_milliseconds():
    planned, actual = timeline_figure([bar()], "device", 100.0)["data"]
    assert (planned["x"], actual["x"]) == ([50_000], [59_000])


def test_rows_follow_first_use_or_number(bars):
    axis = timeline_figure(bars, "device", NOW)["layout"]["yaxis"]
    assert axis["ticktext"][:2] == ["balance", "concentrate_pump"]
    assert len(axis["ticktext"]) == len({b.device for b in bars})
    axis = timeline_figure(bars, "sample", NOW)["layout"]["yaxis"]
    assert axis["ticktext"] == [f"Sample {n}" for n in range(1, 7)]


def test_steps_that_overlap_have_lanes_of_their_own():
    steps = [
        bar(step="a", actual_s=(0.0, 10.0)),
        bar(step="b", actual_s=(5.0, 15.0)),
        bar(step="c", actual_s=(10.0, 20.0)),  # a is over: its lane is free again
    ]
    figure = timeline_figure(steps, "sample", 100.0)
    assert figure["data"][1]["y"] == [0, 1, 0]
    assert figure["layout"]["yaxis"]["tickvals"] == [0.5]


def test_state_is_told_by_pattern_sign_and_colour():
    wide = (0.0, 1000.0)
    steps = [
        bar(actual_s=wide, planned_s=None),
        bar(actual_s=wide, planned_s=None, status="running", device="b"),
        bar(actual_s=wide, planned_s=None, status="failed", device="c"),
    ]
    actual = timeline_figure(steps, "device", 1000.0)["data"][1]
    assert actual["marker"]["pattern"]["shape"] == ["", "/", "x"]
    assert actual["text"] == ["1", "▶ 1", "✖ 1"]
    assert len(set(actual["marker"]["color"])) == 2


def test_texts_that_do_not_fit_are_left_to_the_pointer():
    steps = [bar(actual_s=(0.0, 1000.0)), bar(actual_s=(0.0, 2.0), device="b")]
    actual = timeline_figure(steps, "device", 1000.0)["data"][1]
    assert actual["text"] == ["1", ""]
    assert "Heat" in actual["customdata"][1]


def test_the_pointer_tells_times_tries_and_errors():
    told = timeline_figure([bar(status="failed", attempts=3, note="<mass> off")], "device", 100.0)
    text = told["data"][1]["customdata"][0]
    assert "failed, try 3" in text
    assert "planned 00:00:00 to 00:00:50, 50 s" in text
    assert "&lt;mass&gt; off" in text


def test_now_is_marked(bars):
    layout = timeline_figure(bars, "device", NOW)["layout"]
    assert layout["annotations"][0]["text"] == "now 08:24:20"
    assert layout["shapes"][0]["x0"] == layout["shapes"][0]["x1"]


def test_the_window_leaves_out_what_it_does_not_show(bars):
    window = (NOW - 300, NOW + 300)
    shown = within(bars, window)
    assert 0 < len(shown) < len(bars)
    assert {b.trial for b in shown} == {4, 5, 6}
    figure = timeline_figure(shown, "device", NOW, window)
    assert figure["layout"]["xaxis"]["range"] == [
        "2026-03-02 08:19:20.000",
        "2026-03-02 08:29:20.000",
    ]
    assert "range" not in timeline_figure(bars, "device", NOW)["layout"]["xaxis"]


def test_a_huge_timeline_is_cut_to_its_newest_part():
    many = [bar(step=str(n), actual_s=(n * 10.0, n * 10.0 + 5)) for n in range(5000)]
    kept = within(many, None)
    assert len(kept) == 1200
    assert kept[-1].step == "4999"


def test_no_bars_no_error():
    go.Figure(timeline_figure([], "device", NOW))


def hover_of(entry: Bar) -> str:
    [planned, *_] = timeline_figure([entry], "device", 100.0)["data"]
    return planned["customdata"][0]


@pytest.mark.parametrize("by", ["SOP", "driver", "journal, 12 runs"])
def test_who_said_how_long_it_takes_stands_beside_the_planned_time(by):
    assert f"50 s (by {by})" in hover_of(bar(planned_by=by))
    assert "by" not in hover_of(bar(planned_by=""))


def test_the_bars_of_the_records_tell_it(bars):
    assert {entry.planned_by for entry in bars} == {"SOP"}
