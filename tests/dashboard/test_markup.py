"""The overview's pieces: words beside signs, ages, and no name that could become markup."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest

from dashboard import markup, words
from lab.control.status import status_document
from lab.domain import event as ev
from lab.domain.reduce import reduce, reduce_all
from lab.domain.state import LabState
from tests.support.sample_journal import START, UNTIL_S, sample_records

if TYPE_CHECKING:
    from lab.control.document import EngineDocument, WaitDocument

NOW = START + timedelta(seconds=UNTIL_S)
READ_AT = datetime(2026, 11, 5, 9, 30, 1, tzinfo=UTC)
STATE = reduce_all(LabState(), [record for record in sample_records() if record.at <= NOW])
ENGINE: EngineDocument = {
    "lab": "x",
    "version": "1",
    "epoch": 3,
    "database": "",
    "clock": "scaled",
    "speed": 60.0,
    "now": "",
    "pid": 7,
    "trouble": "",
    "trouble_since": None,
}


def told(*events: ev.Event, at: datetime = NOW) -> LabState:
    state = STATE
    for event in events:
        state = reduce(state, ev.Recorded(seq=state.seq + 1, epoch=1, at=at, event=event))
    return state


def text_of(html: str) -> str:
    """What a person sees; fails on tags that are not closed."""
    seen: list[str] = []
    open_tags: list[str] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag, attrs):
            open_tags.append(tag)

        def handle_endtag(self, tag):
            assert open_tags.pop() == tag

        def handle_data(self, data):
            if "style" not in open_tags:
                seen.append(data)

    Reader().feed(html)
    assert open_tags == []
    return " ".join("".join(f" {part}" for part in seen).split())


def test_the_banner_says_mode_engine_and_freshness():
    text = text_of(markup.banner(status_document(STATE, NOW), ENGINE, "", READ_AT))
    assert "▶ Running" in text
    assert "engine 3 answers" in text
    assert "60x real time" in text
    assert "data as of 09:30:01" in text
    assert f"event {STATE.seq} at 08:24:0" in text


def test_the_banner_says_who_paused_and_why():
    state = told(ev.LabPaused(actor="Ada", reason="refilling <now>"))
    text = text_of(markup.banner(status_document(state, NOW), ENGINE, "", READ_AT))
    assert "Paused" in text
    assert "paused by Ada: refilling <now>; running steps end" in text
    assert "since 08:24:20" in text


def test_without_an_engine_it_says_read_only_and_does_not_look_alive():
    html = markup.banner(status_document(STATE, NOW), None, "nobody answers", READ_AT)
    assert "No engine answers: read-only." in text_of(html)
    assert "nobody answers" in text_of(html)
    assert words.GREEN not in html
    assert "○ No engine" in text_of(html)
    assert "steps start as planned" not in html  # they don't


def test_without_an_engine_runs_say_what_was_under_way():
    runs = status_document(STATE, NOW)["runs"]
    text = text_of(markup.run_cards(runs, {}, live=False))
    assert "Bring to temperature on hotplate_1 was under way since 08:18:2" in text
    assert text.count("waits for an engine: none answers") == 2
    assert "▶" not in text


def test_run_cards_say_what_runs_for_how_long():
    html = markup.run_cards(status_document(STATE, NOW)["runs"], {"concentrate_volume": "mL"})
    text = text_of(html)
    assert "Sample 5" in text
    assert "7 of 11 steps" in text
    assert "Bring to temperature on hotplate_1" in text
    assert "of about 6 min" in text
    assert "concentrate volume 2.9 mL" in text
    assert "No run is open" in text_of(markup.run_cards([], {}))


def test_run_cards_say_what_waits_for_what_since_when():
    state = told(
        ev.LabPaused(actor="Ada"),
        ev.StepFailed(
            run="electrolyte-1/r006",
            step="dose_dilute",
            attempt=1,
            error="x",
            retry=True,
            retry_delay_s=0,
        ),
    )
    document = status_document(state, NOW + timedelta(seconds=75))
    text = text_of(markup.run_cards(document["runs"], {}))
    assert "… Dose the dilute stock waits for resuming: paused by Ada" in text
    assert "since 08:24:20 (1 min 15 s)" in text


def test_names_from_the_records_never_become_markup():
    state = told(
        ev.DeviceStateChanged(device="balance", state="fault", detail="<img src=x onerror=1>"),
        ev.LabPaused(actor="<b>Eve</b>", reason='"><script>'),
    )
    document = status_document(state, NOW)
    html = (
        markup.banner(document, ENGINE, "<i>", READ_AT)
        + markup.run_cards(document["runs"], {"dilute_volume": "<u>"})
        + markup.device_tiles(document["devices"], [], NOW.timestamp(), live=True)
        + markup.queue([])
    )
    for bad in ("<img", "<script", "<b>Eve", "<i>", "<u>"):
        assert bad not in html


def test_device_tiles_say_state_and_work():
    document = status_document(STATE, NOW)
    text = text_of(markup.device_tiles(document["devices"], [], NOW.timestamp(), live=True))
    assert "▶ working heat for r005" in text
    assert "● ready for 24 min" in text
    assert "Mettler Toledo ME403 · simulated" in text


def test_a_fault_is_said_in_words_with_its_cause():
    state = told(ev.DeviceStateChanged(device="balance", state="fault", detail="overload"))
    tiles = markup.device_tiles(
        status_document(state, NOW)["devices"], [], NOW.timestamp(), live=True
    )
    assert "✖ fault" in text_of(tiles)
    assert "overload" in text_of(tiles)


@pytest.mark.parametrize(("age_s", "aged"), [(30.0, False), (599.0, False), (601.0, True)])
def test_old_readings_are_greyed_and_called_old(age_s, aged):
    row = {
        "device": "balance",
        "name": "mass",
        "value": 12.0345,
        "unit": "g",
        "at": NOW - timedelta(seconds=age_s),
    }
    html = markup.device_tiles(
        status_document(STATE, NOW)["devices"], [row], NOW.timestamp(), live=True
    )
    assert "12.03 g" in text_of(html)
    assert ("old value" in text_of(html)) == aged
    assert ('class="lw-value aged"' in html) == aged


def test_planned_runs_say_what_they_wait_for():
    wait: WaitDocument = {
        "step": "tare",
        "title": "Tare",
        "device": "balance",
        "kind": "station",
        "waits_for": "pot, held by run 6",
        "since": "2026-03-02T08:24:00.000Z",
        "for_s": 20.0,
    }
    text = text_of(markup.queue([{"run": "c/r007", "waits": [wait]}]))
    assert text == "… c/r007 waits for pot, held by run 6 since 08:24:00 (20 s)"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-3, "0 s"),
        (0.4, "0 s"),
        (59.4, "59 s"),
        (60, "1 min"),
        (75, "1 min 15 s"),
        (750, "12 min"),
        (3600, "1 h"),
        (11100, "3 h 5 min"),
        (187200, "2 d 4 h"),
        (172800, "2 d"),
    ],
)
def test_durations(seconds, text):
    assert words.duration(seconds) == text


def test_every_state_has_a_sign_with_a_word_of_its_own():
    states = (
        "ready",
        "manual",
        "fault",
        "safe",
        "disconnected",
        "lost",
        "unknown",
        "never heard of",
    )
    signs = [words.device_sign(state) for state in states]
    assert len({sign.word for sign in signs}) == len(states)
    assert words.device_sign("ready", busy=True).word == "working"
    assert words.device_sign("fault", busy=True).word == "fault"
    for status in ("running", "succeeded", "failed", "aborted", "not_run", "pending", "done"):
        assert words.status_sign(status).glyph != "?"
    assert words.mode_sign("running", idle=True).word == "Idle"
    assert words.mode_sign("safe", idle=True).word == "Made safe"


def test_names_units_numbers_and_times():
    assert words.unit_text("degC") == "°C"
    assert words.unit_text("mS/cm") == "mS/cm"
    assert words.words_of("salt_concentration") == "salt concentration"
    assert words.number(None) == "-"
    assert words.number(12.03456) == "12.03"
    assert words.clock_time(None) == "-"
    assert words.clock_time("2026-03-02T09:24:20.500+01:00") == "08:24:20"
    assert words.clock_time(START.timestamp()) == "08:00:00"
    assert words.trial_colour(1) == words.trial_colour(9) != words.trial_colour(2)
