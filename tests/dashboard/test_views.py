"""Every page through Streamlit's own test runner, on a real journal and a real control server."""

from __future__ import annotations

from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

import dashboard
from dashboard.views import campaign as campaign_view
from dashboard.views import history, timeline
from lab.domain import event as ev
from lab.records.columns import TABLES
from tests.support.fake_engine import EngineThread
from tests.support.sample_journal import SampleLab

APP = Path(dashboard.__file__).with_name("app.py")


def page(name: str) -> AppTest:
    script = f"from dashboard.views import {name}\n{name}.show()"
    return AppTest.from_string(script, default_timeout=20).run()


def html(at: AppTest) -> str:
    return "".join(element.proto.body for element in at.get("html"))


def press(at: AppTest, key: str) -> AppTest:
    return at.button(key=key).click().run()


def keys(at: AppTest) -> set[str]:
    return {button.key for button in at.button if button.key}


# -- the router ------------------------------------------------------------------------------------


def test_the_app_starts_with_the_overview(sample):
    at = AppTest.from_file(str(APP), default_timeout=20).run()
    assert not at.exception
    assert at.title[0].value == "Overview"
    assert at.sidebar.text_input[0].label == "Your name"
    assert "lab.db" in at.sidebar.caption[0].value
    assert not at.run().exception  # and again: the router outlives its first run


@pytest.mark.parametrize("name", ["overview", "people", "timeline", "campaign", "history"])
def test_without_records_every_page_says_what_to_do(tmp_path, monkeypatch, name):
    monkeypatch.setenv("LABWRIGHT_DB", str(tmp_path / "none.db"))
    monkeypatch.setattr("sys.argv", ["app.py"])
    at = page(name)
    assert not at.exception
    assert "there are no records at" in at.info[0].value
    assert "run a campaign first" in at.caption[-2].value


def test_without_a_database_the_page_says_how_to_name_one(monkeypatch):
    monkeypatch.delenv("LABWRIGHT_DB", raising=False)
    monkeypatch.setattr("sys.argv", ["app.py"])
    at = page("overview")
    assert "LABWRIGHT_DB" in at.caption[0].value


def test_the_address_names_other_records(sample, tmp_path):
    other = SampleLab(tmp_path / "other.db", until_s=-1)
    at = AppTest.from_string(
        "from dashboard.views import overview\noverview.show()", default_timeout=20
    )
    at.query_params["db"] = str(other.path)
    at.run()
    assert "No campaign has been started" in at.info[0].value
    other.close()


def test_the_argument_of_the_program_comes_before_the_environment(sample, monkeypatch, tmp_path):
    monkeypatch.setattr("sys.argv", ["app.py", str(tmp_path / "none.db")])
    assert "there are no records at" in page("overview").info[0].value


# -- overview --------------------------------------------------------------------------------------


def test_without_an_engine_the_overview_is_read_only(sample):
    at = page("overview")
    assert not at.exception
    assert "No engine answers: read-only." in html(at)
    assert keys(at) == set()
    assert "lab resume" in " ".join(caption.value for caption in at.caption)
    assert [metric.value for metric in at.metric] == ["3 of 8", "2", "1", "8.882 mS/cm"]
    assert "Bring to temperature" in html(at)


def test_the_overview_grows_with_the_journal(sample):
    at = page("overview")
    assert at.metric[0].value == "3 of 8"
    sample.advance(200)
    assert at.run().metric[0].value == "4 of 8"


def test_a_request_needs_a_name(engine):
    at = page("overview")
    assert keys(at) == {"verb-pause", "verb-safe", "verb-stop"}
    press(at, "verb-pause")
    assert "Write your name first" in at.warning[0].value
    assert engine.asked == []


def test_pause_and_resume_with_name_and_reason(engine):
    at = page("overview")
    at.session_state["who"] = "Ada"
    at.text_input(key="reason").set_value("refilling")
    press(at, "verb-pause")
    assert not at.exception
    assert "Accepted" in at.success[0].value
    (asked,) = engine.asked
    assert (asked.verb, asked.actor, asked.reason) == ("pause", "Ada", "refilling")
    assert at.text_input(key="reason").value == ""  # said once, recorded once
    st.cache_data.clear()  # a second later
    at.run()
    assert "paused by Ada: refilling" in html(at)
    assert keys(at) == {"verb-resume", "verb-safe", "verb-stop"}
    press(at, "verb-resume")
    assert [request.verb for request in engine.asked] == ["pause", "resume"]
    assert len({request.id for request in engine.asked}) == 2


def test_the_same_drawing_of_a_button_asks_once(engine):
    """Several clicks may land in one rerun; the id was made with the button."""
    at = page("overview")
    at.session_state["who"] = "Ada"
    request_id = at.session_state["id-verb-safe"]
    from dashboard.actions import ask

    database = engine.info().database
    assert ask(database, "safe", "Ada", "", request_id).kind == "accepted"
    press(at, "verb-safe")
    assert len(engine.asked) == 1
    assert engine.asked[0].id == request_id


def test_stop_asks_back_first(engine):
    at = page("overview")
    at.session_state["who"] = "Ada"
    assert at.button(key="verb-stop").label == "Yes, stop the campaign"
    press(at, "verb-stop")
    assert engine.asked[0].verb == "stop"


def test_a_safe_lab_offers_only_to_re_arm(engine, sample):
    event = ev.LabMadeSafe(actor="Ada", reason="smoke")
    engine.tell(event)
    sample.add(event)
    st.cache_data.clear()
    at = page("overview")
    assert keys(at) == {"verb-rearm"}
    assert "made safe by Ada: smoke" in html(at)


def test_questions_stand_on_top_and_are_answered(engine, sample):
    command = engine.state().open_commands()[0].command
    asked = ev.QuestionAsked(
        question="q1", command=command.id, run=command.run, text="Is it hot?", choices=("yes", "no")
    )
    engine.tell(asked)
    st.cache_data.clear()
    at = page("overview")
    assert "A person is needed" in at.warning[0].value
    assert "Is it hot?" in at.warning[0].value
    at.session_state["who"] = "Ada"
    press(at, "answer-q1-no")
    assert engine.asked[0].args == {"question": "q1", "answer": "no"}
    st.cache_data.clear()
    assert not at.run().warning


def test_a_refusal_is_told(engine):
    at = page("overview")
    at.session_state["who"] = "Ada"

    async def refuse(request):
        engine.tell(
            ev.RequestAnswered(request=request.id, accepted=False, detail="a run is ending")
        )
        from lab.control.port import Answer

        return Answer(id=request.id, accepted=False, detail="a run is ending")

    engine.request = refuse
    press(at, "verb-pause")
    assert at.error[0].value == "Refused: a run is ending"


def test_an_engine_that_goes_away_is_told_and_the_id_is_kept(sample):
    with EngineThread(sample.path):
        at = page("overview")
        at.session_state["who"] = "Ada"
        request_id = at.session_state["id-verb-pause"]
    press(at, "verb-pause")
    assert at.session_state["id-verb-pause"] == request_id  # asking again is safe
    assert not at.exception


def test_an_empty_journal_is_no_error(tmp_path, monkeypatch):
    lab = SampleLab(tmp_path / "empty.db", until_s=-1)
    monkeypatch.setenv("LABWRIGHT_DB", str(lab.path))
    monkeypatch.setattr("sys.argv", ["app.py"])
    for name in ("overview", "people", "timeline", "campaign", "history"):
        at = page(name)
        assert not at.exception
        assert at.info
    st.cache_resource.clear()
    lab.close()


# -- the other pages -------------------------------------------------------------------------------


def test_the_timeline_draws_by_device_and_by_sample(sample, monkeypatch):
    drawn, real = [], timeline.timeline_figure

    def noting(bars, by, *more):
        drawn.append((by, bars))
        return real(bars, by, *more)

    monkeypatch.setattr(timeline, "timeline_figure", noting)
    at = page("timeline")
    assert not at.exception
    assert drawn[-1][0] == "device"
    at.segmented_control(key="rows").set_value("By sample").run()
    assert drawn[-1][0] == "sample"
    assert {bar.trial for bar in drawn[-1][1]} == {1, 2, 3, 4, 5, 6}
    at.toggle(key="problems").set_value(True).run()
    assert {(bar.trial, bar.step) for bar in drawn[-1][1]} == {(3, "weigh")}


def test_a_timeline_without_problems_says_so(tmp_path, monkeypatch):
    lab = SampleLab(tmp_path / "early.db", until_s=300)
    monkeypatch.setenv("LABWRIGHT_DB", str(lab.path))
    monkeypatch.setattr("sys.argv", ["app.py"])
    at = page("timeline")
    at.toggle(key="problems").set_value(True).run()
    assert "No step has failed" in at.success[0].value
    st.cache_resource.clear()
    lab.close()


class Desk:
    """In place of the model: answers at once, or not yet."""

    def __init__(self) -> None:
        self.orders: list[tuple[int, str, str | None]] = []
        self.answer = None
        self.fresh = True

    def slice(self, _lab, campaign, x, y):
        finished = sum(t.status != "pending" for t in campaign.trials.values())
        self.orders.append((finished, x, y))
        return self.answer, self.fresh


@pytest.fixture
def trust(monkeypatch):
    made = Desk()
    monkeypatch.setattr(campaign_view, "_evidence_desk", lambda: made)
    return made


@pytest.fixture
def desk(monkeypatch, trust):
    made = Desk()
    monkeypatch.setattr(campaign_view, "_desk", lambda: made)
    return made


def test_the_campaign_page_shows_best_and_trials(sample, desk):
    at = page("campaign")
    assert not at.exception
    text = " ".join(element.value for element in at.markdown)
    assert "8.882 ± 0.02 mS/cm** in trial 4" in text
    frame = at.dataframe[0].value
    assert list(frame["trial"]) == [6, 5, 4, 3, 2, 1]
    assert frame["status"].iloc[3] == "✖ failed"
    assert "predicted_mean" not in frame  # nothing was foretold yet


def test_the_campaign_page_never_waits_for_the_model(sample, desk):
    at = page("campaign")
    assert "The model is being fitted" in at.info[0].value
    assert desk.orders[-1] == (4, "concentrate_volume", "dilute_volume")
    desk.answer = campaign_view_slice()
    at.run()
    assert not any("fitted" in item.value for item in at.info)
    assert "Fitted to 4 finished trials." in " ".join(c.value for c in at.caption)
    desk.fresh = False
    at.run()
    assert "A newer fit is being made." in " ".join(c.value for c in at.caption)
    at.selectbox(key="factor_y").set_value("(one factor)").run()
    assert desk.orders[-1] == (4, "concentrate_volume", None)


def campaign_view_slice():
    from dashboard.model import Slice

    grid = ((1.0, 2.0), (3.0, 4.0))
    return Slice((0.5, 7.0), (0.0, 3.0), grid, grid)


def test_a_model_that_cannot_be_made_is_told(sample, monkeypatch):
    from lab.domain.errors import LabError

    class Broken:
        def slice(self, *_):
            raise LabError("the optimiser is not installed", hint="pip install it")

    monkeypatch.setattr(campaign_view, "_desk", Broken)
    at = page("campaign")
    assert not at.exception
    assert at.warning[0].value == "No model: the optimiser is not installed. pip install it"


def test_the_records_page_shows_runs_steps_and_downloads(sample):
    at = page("history")
    assert not at.exception
    runs = at.dataframe[0].value
    assert list(runs["Sample"]) == [6, 5, 4, 3, 2, 1]
    at.toggle(key="bad_runs").set_value(True).run()
    runs = at.dataframe[0].value
    assert list(runs["Status"]) == ["✖ failed"]
    assert "mass differs" in runs["Reason"].iloc[0]
    steps = at.dataframe[1].value
    assert list(steps["Tries"])[4] == 3
    assert list(steps["Status"])[4] == "✖ failed"
    labels = [element.proto.label for element in at.get("download_button")]
    assert labels == [f"{name}.csv" for name in TABLES if name != "events"]


def test_downloads_are_what_the_export_writes(sample, tmp_path):
    from lab.records.export import export_csv
    from lab.records.reader import open_records

    with open_records(sample.path) as records:
        paths = {path.stem: path for path in export_csv(records, tmp_path / "out")}
        assert history.csv_text(records.runs()) == paths["runs"].read_text(encoding="utf-8")
        assert history.csv_text(records.observations()) == paths["observations"].read_text(
            encoding="utf-8"
        )


def test_the_campaign_page_says_how_far_to_trust_the_model(sample, desk, trust):
    from lab.optimize.evidence import Calibration, Evidence, Importance, LeftOut

    at = page("campaign")
    assert not at.exception
    assert any("being computed" in item.value for item in at.info)
    trust.answer = Evidence(
        (LeftOut(1, 8.1, 8.0, 0.2), LeftOut(4, 8.9, 8.7, 0.1)),
        Calibration(2, 0.5, 2.5, 0.5, 1.0),
        (Importance("concentrate_volume", 1.0, 0.7, 0.8), Importance("dilute_volume", 1.0, None, None)),
    )  # fmt: skip
    at.run()
    assert not at.exception
    text = " ".join(element.value for element in at.markdown)
    assert "mean squared z 2.50" in text
    assert "50% and 100% of the outcomes" in text
    assert "concentrate volume: 80% of what varies" in text
    assert "foretold by all the others" in text
    trust.answer = None
    assert trust.orders[-1][1:] == ("", None)


def test_the_campaign_page_shows_why_open_trials_were_proposed(tmp_path, monkeypatch):
    lab = SampleLab(tmp_path / "early.db", until_s=300)
    monkeypatch.setenv("LABWRIGHT_DB", str(lab.path))
    monkeypatch.setattr("sys.argv", ["app.py"])
    at = page("campaign")
    assert not at.exception
    text = " ".join(element.value for element in at.markdown)
    assert "**Trial 1** · begun · concentrate volume" in text
    st.cache_resource.clear()
    lab.close()
