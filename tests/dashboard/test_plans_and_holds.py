"""Longest times in danger and better plans, on the pages where people look for them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
import streamlit as st

from dashboard import markup, words
from dashboard.views.timeline import plan_table
from lab.control.status import status_document
from lab.domain import event as ev
from tests.dashboard.test_markup import NOW, STATE, text_of, told
from tests.dashboard.test_views import html, page
from tests.support.sample_journal import CAMPAIGN, START

if TYPE_CHECKING:
    from lab.control.document import HoldDocument
    from lab.domain.event_plan import HopelessPolicy

R5, R7 = f"{CAMPAIGN}/r005", f"{CAMPAIGN}/r007"


def danger(run: str = R7, **more: object) -> ev.HoldJudged:
    told = {
        "campaign": CAMPAIGN,
        "run": run,
        "window": "fresh",
        "first": "transfer",
        "second": "measure",
        "state": "endangered",
        "by_s": 0.0,
        "reason": "probe_1 is lost",
        "away": ("probe_1",),
        "until": NOW + timedelta(seconds=250),
    }
    return ev.HoldJudged.model_validate(told | more)


def found(*events: ev.HoldJudged, policy: HopelessPolicy = "wait") -> list[HoldDocument]:
    started = STATE.campaigns[CAMPAIGN].spec.model_copy(update={"hopeless_holds": policy})
    return status_document(told(started, *events), NOW)["holds"]


def judged(*, adopted: bool, **more: object) -> ev.PlanJudged:
    fields = {"campaign": CAMPAIGN, "plan": 3, "source": "solver", "adopted": adopted}
    return ev.PlanJudged.model_validate(fields | more)


def timeline(**more: object) -> ev.TimelinePlanned:
    standing = STATE.campaigns[CAMPAIGN].slots
    fields = {"campaign": CAMPAIGN, "origin": START, "reason": "improved", "slots": standing}
    return ev.TimelinePlanned.model_validate(fields | more)


# -- longest times in danger ------------------------------------------------------------------------


def test_a_danger_names_sample_steps_reason_and_moment():
    text = text_of(markup.holds(found(danger())))
    assert "Longest times in danger" in text
    assert "▲ Sample 7 , fresh (from transfer to measure): in danger" in text
    assert "probe_1 is lost. If nothing can save it, the sample is flagged" in text
    assert "due by 08:28:30" in text
    assert "too long" not in text  # how long depends on the probe


@pytest.mark.parametrize(
    ("policy", "what"),
    [
        ("wait", "The sample is flagged and goes on when it can."),
        ("scrap", "The sample is given up at once."),
        ("ask", "The sample waits until a person decides."),
    ],
)
def test_what_nothing_can_save_says_what_the_campaign_does(policy, what):
    lost = danger(R5, state="hopeless", by_s=95.0, until=None)
    text = text_of(markup.holds(found(lost, policy=policy)))
    assert "can't be kept" in text
    assert what in text
    assert "1 min 35 s too long" in text


def test_without_an_engine_nothing_is_promised():
    text = text_of(markup.holds(found(danger(), policy="scrap"), live=False))
    assert "in danger" in text
    assert "given up" not in text


def test_a_sample_that_a_person_let_go_on_says_so():
    text = text_of(
        markup.holds(found(danger(R5, state="excused", reason="let go on by Ada: pilot")))
    )
    assert "not kept, goes on" in text
    assert "let go on by Ada: pilot." in text


def test_the_worst_comes_first_and_colours_the_card():
    both = found(danger(R7), danger(R5, state="hopeless", by_s=3.0))
    drawn = markup.holds(both)
    text = text_of(drawn)
    assert text.index("Sample 5") < text.index("Sample 7")
    assert f"border-color:{words.RED}" in drawn
    assert f"border-color:{words.AMBER}" in markup.holds(found(danger()))


def test_a_device_that_endangers_all_does_not_bury_the_page():
    many = found(*(danger(f"{CAMPAIGN}/r{n:03d}") for n in range(7, 103)))
    text = text_of(markup.holds(many))
    assert text.count("▲") == 8
    assert "and 88 more" in text
    assert "more" not in text_of(markup.holds(many[:8]))


def test_no_name_becomes_markup():
    bad = danger(window="<b>w", first="<i>f", second="<u>s", reason="<script>")
    drawn = markup.holds(found(bad))
    for part in ("<b>w", "<i>f", "<u>s", "<script"):
        assert part not in drawn


def test_the_overview_shows_dangers_while_there_are_any(sample):
    assert "Longest times in danger" not in html(page("overview"))
    sample.add(danger())
    at = page("overview")
    assert not at.exception
    assert "Longest times in danger" in html(at)
    sample.add(danger(state="safe", reason="", away=(), until=None))
    assert "Longest times in danger" not in html(at.run())


def test_beside_an_engine_it_says_what_follows(engine, sample):
    sample.add(danger())
    engine.tell(danger())
    st.cache_data.clear()
    assert "goes on when it can" in html(page("overview"))


def test_the_records_of_a_run_keep_each_word_of_it(sample):
    sample.add(danger(R5), danger(R5, state="hopeless", by_s=95.0), danger(R7))
    at = page("history")
    at.selectbox(key="run").set_value(R5).run()
    assert not at.exception
    assert "Longest times in danger" in [heading.value for heading in at.subheader]
    shown = next(frame.value for frame in at.dataframe if "Too short by" in frame.value)
    assert list(shown["Status"]) == ["▲ in danger", "✖ can't be kept"]
    assert list(shown["Too short by"]) == ["", "1 min 35 s"]
    assert list(shown["Due by"]) == ["08:28:30"] * 2


# -- plans ------------------------------------------------------------------------------------------


def test_the_timeline_tells_of_better_plans(sample):
    late = "it moves what begins at once"
    sample.add(
        judged(adopted=False, reason=late, gain_s=60.0, makespan_gain_s=-20.0),
        judged(adopted=True, gain_s=840.0, makespan_gain_s=120.0),
        timeline(source="solver"),
        timeline(source="order", reason="replanned"),
    )
    at = page("timeline")
    assert not at.exception
    shown = at.dataframe[0].value
    assert list(shown["Followed"][:2]) == ["✔ yes", "- no"]
    assert list(shown["From"][:2]) == ["solver beside the engine"] * 2
    assert list(shown["Why"][:2]) == ["improved", late]
    assert list(shown["Samples end earlier"][:2]) == ["14 min", "1 min"]
    assert list(shown["Last one"][:2]) == ["2 min", "-20 s"]
    assert list(shown["From"][2:]) == ["all samples placed anew"] * 6


def row(**more: object) -> dict[str, object]:
    plain: dict[str, object] = {
        "at": START,
        "followed": True,
        "source": "search",
        "reason": "improved",
        "gain_s": None,
        "makespan_gain_s": None,
        "holds_not_kept": 0,
    }
    return plain | more


def test_corrected_times_are_no_news_unless_they_break_a_limit():
    assert plan_table([row(source="order")]) == []
    [shown] = plan_table([row(source="order", holds_not_kept=2)])
    assert shown["Limits not kept"] == "2"
    assert shown["Samples end earlier"] == ""


def test_the_newest_plans_come_first_and_not_all_of_them():
    shown = plan_table([row(reason=str(n)) for n in range(120)])
    assert [r["Why"] for r in shown[:2]] == ["119", "118"]
    assert len(shown) == 50
