"""The chart as a drawing that can be read without colour, and as a page that loads nothing."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from lab.plan.gantt import (
    Bar,
    Row,
    chart_rows,
    gantt_page,
    gantt_svg,
    plan_tables,
    sample_colour,
    text_on,
    tick_step,
    time_text,
)

_SVG = "{http://www.w3.org/2000/svg}"


def slot(sample: str, step: str, device: str, start: float, end: float, *stations: str):
    return {
        "sample": sample, "step": step, "device": device, "start_s": start, "end_s": end,
        "stations": list(stations), "duration_from": "journal" if step == "heat" else "sop",
        "duration_runs": 9 if step == "heat" else 0,
    }  # fmt: skip


DOCUMENT = {
    "samples": 2,
    "sample_names": ["c/r001", "c/r002"],
    "makespan_s": 120.0,
    "lower_bound_s": 100.0,
    "sequential_s": 180.0,
    "broken_holds": 1,
    "status": "infeasible",
    "utilisation": [{"name": "pump", "kind": "device", "busy_s": 60.0, "share": 0.5}],
    "one_more": [
        {"name": "pump", "kind": "device", "together": ["drain"], "change": -0.38},
        {"name": "oven", "kind": "device", "together": [], "change": 0.0},
    ],
    "holds": [
        {
            "sample": "c/r001", "window": "w<1>", "from": "a.end", "to": "b.start", "at_most_s": 50.0,
            "took_s": 55.0, "slack_s": -5.0, "on_violation": "flag",
        }
    ],
    "durations": [
        {"step": "fill", "device": "pump", "least_s": 30.0, "most_s": 30.0, "source": "driver", "runs": 0},
        {"step": "heat", "device": "oven", "least_s": 60.0, "most_s": 80.0, "source": "journal", "runs": 9},
    ],
    "services": [],
    "notes": [],
    "critical_path": [
        {"sample": "c/r002", "step": "heat", "device": "oven", "start_s": 60.0, "end_s": 120.0,
         "because": "needs fill"}
    ],
    "timeline": [
        slot("c/r001", "fill", "pump", 0.0, 30.0, "pot"),
        slot("c/r002", "fill", "pump", 30.0, 60.0),
        slot("c/r001", "empty", "drain", 80.0, 90.0, "pot"),
        slot("c/r002", "heat", "oven", 60.0, 120.0),
    ],
}  # fmt: skip


def part(bar: ElementTree.Element, name: str) -> ElementTree.Element:
    """The element of that name within a bar."""
    [found] = bar.findall(f"{_SVG}{name}")
    return found


def test_rows_are_devices_then_stations_and_a_stay_is_one_bar():
    rows = chart_rows(DOCUMENT)
    assert [(row.name, row.kind, len(row.bars)) for row in rows] == [
        ("pump", "device", 2),
        ("drain", "device", 1),
        ("oven", "device", 1),
        ("pot", "station", 1),
    ]
    assert (rows[3].bars[0].start_s, rows[3].bars[0].end_s) == (0.0, 90.0)
    assert [bar.sample for bar in rows[0].bars] == [1, 2]
    assert [bar.critical for row in rows for bar in row.bars] == [False, False, False, True, False]


def test_the_drawing_has_a_bar_of_the_right_width_with_its_number_and_words():
    root = ElementTree.fromstring(gantt_svg(chart_rows(DOCUMENT), 120.0))
    bars = root.findall(f"{_SVG}g")
    assert len(bars) == 5
    widths = [float(part(bar, "rect").get("width", "")) for bar in bars]
    assert widths[3] == pytest.approx(2 * widths[0], abs=0.2)
    assert part(bars[3], "title").text == "c/r002: heat, 1:00 min to 2:00 min (journal, 9 runs)"
    assert [part(bar, "text").text for bar in bars] == ["1", "2", "1", "2", "1"]
    assert "critical" in part(bars[3], "rect").get("class", "").split()
    assert root.get("role") == "img"
    assert root.get("aria-label")


def test_a_number_that_does_not_fit_is_left_to_the_words():
    row = Row("d", "device", (Bar(0.0, 1.0, 12, "short", False),))
    [bar] = ElementTree.fromstring(gantt_svg([row], 10_000.0)).findall(f"{_SVG}g")
    assert bar.find(f"{_SVG}text") is None
    assert part(bar, "title").text == "short"


def test_numbers_read_well_on_every_colour():
    """At least 4.5 to 1, as WCAG 2.2 asks of small text."""

    def light(colour: str) -> float:
        parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return sum(w * p for w, p in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    for number in range(1, 9):
        pair = sorted(light(c) for c in (sample_colour(number), text_on(sample_colour(number))))
        assert (pair[1] + 0.05) / (pair[0] + 0.05) > 4.5, sample_colour(number)
    assert sample_colour(1) == sample_colour(9) != sample_colour(2)
    assert text_on("#ffffff") != text_on("#000000")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"), (59.4, "59 s"), (59.6, "1:00 min"), (185, "3:05 min"), (3600, "1:00 h"),
        (90061, "25:01 h"), (-5, "-5 s"), (-0.2, "0 s"), (-75, "-1:15 min"),
    ],
)  # fmt: skip
def test_times_are_written_as_people_say_them(seconds, text):
    assert time_text(seconds) == text


@pytest.mark.parametrize("span", [0.5, 12, 100, 1256, 10556, 86400, 1_500_000, 40_000_000])
def test_there_are_a_few_round_ticks(span):
    step = tick_step(span)
    assert span / step <= 12
    assert step == 1 or span / step >= 2


def test_the_page_loads_nothing_and_lets_no_markup_through():
    page = gantt_page(DOCUMENT)
    assert "default-src 'none'" in page
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", page)
    assert "<script" not in page
    assert "w&lt;1&gt;" in page
    assert "w<1>" not in page
    for words in ("2:00 min", "-38%", "-5 s", "needs fill", "infeasible"):
        assert words in page, words


def test_only_what_would_help_is_listed():
    tables = {heading: rows for heading, _, rows in plan_tables(DOCUMENT)}
    assert tables["One more would change the makespan by"] == [("pump", "drain", "-38%")]
    nothing = plan_tables({**DOCUMENT, "one_more": DOCUMENT["one_more"][1:]})
    assert {heading: rows for heading, _, rows in nothing}[
        "One more would change the makespan by"
    ] == []
    assert "One more" not in gantt_page({**DOCUMENT, "one_more": []})


SERVED = {
    **DOCUMENT,
    "services": [
        {"task": "refill <acid>", "person": "operator", "start_s": 30.0, "end_s": 75.0,
         "sample": "c/r002", "step": "fill"},
        {"task": "empty waste", "person": "operator", "start_s": 90.0, "end_s": 95.0,
         "sample": "", "step": ""},
    ],
    "notes": ["it begins on Tuesday & waits"],
}  # fmt: skip


def test_what_people_do_has_a_row_of_its_own_in_no_samples_colour():
    rows = {row.name: row for row in chart_rows(SERVED)}
    operator = rows["operator"]
    assert [(bar.start_s, bar.end_s, bar.sample) for bar in operator.bars] == [
        (30.0, 75.0, 0), (90.0, 95.0, 0),
    ]  # fmt: skip
    assert sample_colour(0) not in [sample_colour(number) for number in range(1, 9)]
    drawn = gantt_svg([operator], 120.0)
    assert ">0<" not in drawn
    assert "refill &lt;acid&gt;, 30 s to 1:15 min" in drawn


def test_it_stands_in_words_with_the_sample_that_waits_for_it():
    page = gantt_page(SERVED)
    tables = {heading: rows for heading, _, rows in plan_tables(SERVED)}
    assert tables["What people do in between"] == [
        ("30 s", "45 s", "operator", "refill <acid>", "c/r002: fill"),
        ("1:30 min", "5 s", "operator", "empty waste", ""),
    ]
    assert "<p>it begins on Tuesday &amp; waits</p>" in page
    assert "What people do" not in gantt_page(DOCUMENT)


def test_who_says_how_long_a_step_takes_stands_beside_it():
    tables = {heading: rows for heading, _, rows in plan_tables(DOCUMENT)}
    assert tables["How long the steps take, and who says so"] == [
        ("fill", "pump", "30 s", "driver"),
        ("heat", "oven", "1:00 min to 1:20 min", "journal, 9 runs"),
    ]
