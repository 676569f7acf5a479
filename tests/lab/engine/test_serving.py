"""People asked by a running engine for refills, emptying, upkeep and calibrations: the room's own books judge."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.domain import event as ev
from lab.domain.command import Outcome
from lab.domain.ids import service_id
from lab.domain.quantity import parse_quantity
from lab.domain.reduce import reduce
from lab.domain.state import LabState
from lab.engine import messages as msg
from lab.engine.translate import translate
from tests.lab.engine.kit import START, plan_of, step
from tests.support.served_lab import (
    DAY,
    ServedLoop,
    always_done,
    books,
    lab_of,
    plan_for,
    rules_of,
)

REFILL = {"refill": "3 min"}
MONTH = parse_quantity("30 day", "s")
HOUR = 3600.0


def loop_of(samples: int, *plans, says=always_done, parallel: int = 0, **lab: Any) -> ServedLoop:
    ages = {"scale": MONTH} if "balance" in lab else {}
    return ServedLoop(
        plans or (plan_for(),),
        samples,
        seed=1,
        rules=rules_of(lab_of(**lab), **ages),
        says=says,
        parallel=parallel,
    )


def succeeded(loop: ServedLoop) -> int:
    return sum(run.status == "succeeded" for run in loop.state.runs.values())


# -- refills and emptying -----------------------------------------------------------------------------


@settings(deadline=None, max_examples=25)
@given(
    samples=st.integers(3, 14),
    stock=st.integers(20, 60),
    waste=st.integers(20, 60),
    dose=st.integers(5, 20),
    late=st.sampled_from([0.2, 1.0, 20.0]),
    seed=st.integers(0, 3),
)
def test_no_bottle_runs_dry_and_no_vessel_over_and_nothing_moves_at_a_person(
    samples, stock, waste, dose, late, seed
):
    lab = lab_of(
        water={"volume": f"{stock} mL", **REFILL},
        waste={"capacity": f"{waste} mL", "emptying": "5 min"},
    )
    loop = ServedLoop(
        (plan_for(float(dose)),),
        samples,
        seed=seed,
        rules=rules_of(lab),
        says=lambda _question: ("done", late),
    ).run()
    assert books(loop, stock, waste) == []
    assert succeeded(loop) == samples
    asked = [service for service, _, _ in loop.spans()]
    fits = {"stock water": stock // dose, "station waste": waste // dose}
    for service, doses in fits.items():
        assert asked.count(service) == (samples - 1) // doses


def test_the_books_find_what_they_are_for():
    loop = loop_of(6).run()  # nobody is asked: the lab file tells no refill
    assert books(loop, 50) == ["kit-1/r006 drew air"]
    assert books(loop, 60, 50) == ["kit-1/r006 made the waste run over"]
    loop.journal.insert(
        3, (0.0, ev.QuestionAsked(question="q", command="", run="", text="", choices=(), service="stock water"))
    )  # fmt: skip
    assert books(loop, 60)[0] == "pump moved while somebody was at stock water"


def test_the_question_says_what_is_left_what_waits_and_what_stands_still():
    loop = loop_of(6, water=REFILL).run()
    [(_, asked)] = loop.questions
    assert asked.choices == ("done", "could_not")
    assert (asked.run, asked.service) == ("", "stock water")
    assert asked.text == (
        "Please refill water: 0 mL of 50 mL are left. kit-1/r006 can't go on with dose before. Until the answer nothing "
        "begins at pump. Is it done?"
    )


def test_who_could_not_do_it_is_asked_again_and_nothing_is_drawn_meanwhile():
    words = iter(["could_not", "could_not", "done"])
    loop = loop_of(6, water=REFILL, says=lambda _question: (next(words), 1.0)).run()
    spans = loop.spans()
    assert [service for service, _, _ in spans] == ["stock water"] * 3
    for (_, _, end), (_, start, _) in pairwise(spans):
        assert start == pytest.approx(end + 600.0)
    assert loop.began("dose")[5] >= spans[-1][2]
    assert books(loop, 50) == []


def test_a_dose_that_is_larger_than_the_bottle_fails_in_words_and_asks_nobody():
    loop = loop_of(1, plan_for(60.0), water=REFILL).run()
    assert loop.questions == []
    [run] = loop.state.runs.values()
    assert run.status == "failed"
    assert run.steps["dose"].error == 'it takes 60 mL, and after "refill water" there are 50 mL'


def test_it_is_asked_in_time_so_that_a_vessel_is_emptied_while_others_work():
    """A second cell's dose needs no waste: emptying lies beside it and costs less than it takes."""
    free = loop_of(12).run().makespan_s
    served = loop_of(12, waste={"capacity": "35 mL", "emptying": "5 min"}).run()
    assert len(served.spans()) == 3
    assert served.makespan_s < free + 3 * 300.0 - 60.0


# -- what is taken ------------------------------------------------------------------------------------


def tally(loop: ServedLoop) -> int:
    return loop.state.services["stock water"].taken


def test_an_intent_takes_at_once_and_only_what_surely_was_not_done_is_given_back():
    loop = loop_of(1, water=REFILL).run(until_s=1.0)
    assert tally(loop) == 10_000_000
    [entry] = loop.state.open_commands()
    state = loop.state

    def after(event: ev.Event) -> int:
        told = ev.Recorded(seq=state.seq + 1, epoch=1, at=START, event=event)
        return reduce(state, told).services["stock water"].taken

    its = entry.command.id
    part = Outcome(result="failed_partial", error="stuck")
    nothing = Outcome(result="failed_no_effect", error="no power")
    assert after(ev.CommandUnknown(command=its, device="pump", reason="lost")) == 10_000_000
    assert after(ev.CommandEnded(command=its, device="pump", outcome=part)) == 10_000_000
    assert after(ev.CommandEnded(command=its, device="pump", outcome=nothing)) == 0
    assert after(ev.CommandRefused(command=its, device="pump", reason="busy")) == 0


def test_a_new_campaign_begins_with_full_bottles_and_goes_on_with_the_upkeep():
    loop = loop_of(
        3, water=REFILL, balance={"upkeep": {"level": {"after": 9, "takes": "2 min"}}}
    ).run()
    assert tally(loop) == 30_000_000
    second = loop.journal[1][1].model_copy(
        update={"campaign": "kit-2", "supplies": {"stock water": 50_000_000}}
    )
    loop._record(second)
    assert loop.state.services["stock water"].room == 50_000_000
    assert tally(loop) == 0
    assert loop.state.services["upkeep balance level"].taken == 3


# -- upkeep and calibrations --------------------------------------------------------------------------


def test_upkeep_comes_after_so_many_actions_and_not_within_a_measurement():
    upkeep = {"level": {"after": 4, "takes": "2 min", "task": "level it"}}
    loop = loop_of(12, balance={"upkeep": upkeep}).run()
    assert books(loop, 500) == []
    weighed = loop.began("weigh")
    spans = loop.spans()
    assert [service for service, _, _ in spans] == ["upkeep balance level"] * 2
    assert [sum(at < start for at in weighed) for _, start, _ in spans] == [4, 8]
    assert "Please see to balance: level it: 4 of 4 actions are done." in loop.questions[0][1].text


def test_a_calibration_that_is_too_old_comes_first():
    loop = loop_of(3, balance={"calibrated": "2025-11-01", "calibration_takes": "20 min"}).run()
    [(service, start, end)] = loop.spans()
    assert (service, end - start) == ("calibration balance", 1200.0)
    assert all(at >= end for at in loop.began("weigh"))
    assert loop.began("dose")[0] < end, "what needs no balance goes on"


def test_a_calibration_that_comes_due_in_between_is_renewed_and_counts_from_then():
    # calibrated 30 days before the end of the campaign's first day: too old from its second day on
    loop = loop_of(
        500, parallel=4, balance={"calibrated": "2025-12-02", "calibration_takes": "20 min"}
    ).run(until_s=1.2 * DAY)
    [(_, start, end)] = loop.spans()
    assert start < DAY
    assert DAY - start < 600.0, "as late as it may be"
    weighed = loop.began("weigh")
    assert any(at < start for at in weighed)
    assert any(at > DAY for at in weighed)
    assert not any(start <= at < end for at in weighed)
    assert not any(start < at + 300.0 and at < DAY < at + 299.0 for at in weighed)


def test_without_a_time_for_it_or_an_age_that_matters_nobody_is_asked():
    assert loop_of(2, balance={"calibrated": "2020-01-01"}).run().questions == []
    rules = rules_of(lab_of(balance={"calibrated": "2020-01-01", "calibration_takes": "20 min"}))
    assert ServedLoop((plan_for(),), 2, rules=rules).run().questions == []


# -- people's hours -----------------------------------------------------------------------------------


def test_at_night_nobody_is_asked_and_what_fits_goes_on():
    loop = loop_of(12, water=REFILL, attended=["Mon-Fri 08:00-17:00"]).run()
    spans = loop.spans()
    assert len(spans) == 2
    assert all(8 * HOUR <= start < 17 * HOUR for _, start, _ in spans)
    assert sum(at < 8 * HOUR for at in loop.began("dose")) == 5
    assert books(loop, 50) == []


def test_before_people_leave_they_are_asked_although_something_is_left():
    hours = ["Mon-Sun 00:00-00:30", "Mon-Sun 08:00-17:00"]
    loop = loop_of(9, water=REFILL, attended=hours).run()
    [(_, start, end)] = loop.spans()
    assert end <= 0.5 * HOUR
    assert sum(at < start for at in loop.began("dose")) < 5
    assert loop.makespan_s < 2 * HOUR, "not after the night"
    assert books(loop, 50) == []


def look_after(minutes: float):
    """Weigh for five minutes, then look at it for so long."""
    task = {"prompt": "Look", "sign": "none"}
    weigh = {"duration_s": 300.0, "timeout_s": 3600.0, "action": "weigh", "capability": "weighing"}
    return plan_of(
        step("weigh", "balance", **weigh),
        step(
            "look", "operator", ("weigh",), manual=task, duration_s=60 * minutes, timeout_s=7200.0
        ),
        stations=(),
        results=(),
    )


@pytest.mark.parametrize(("minutes", "asked_min"), [(8.0, 5), (12.0, 480)])
def test_a_manual_step_is_asked_for_when_somebody_is_there_for_so_long(minutes, asked_min):
    """After five minutes ten are left of the first shift."""
    hours = ["Mon-Fri 00:00-00:15", "Mon-Fri 08:00-17:00"]
    loop = loop_of(1, look_after(minutes), attended=hours)
    [told] = _play_tasks(loop)
    assert told / 60 == pytest.approx(asked_min, abs=1.5)
    [planned] = [s for e in loop.planned[:1] for s in e.slots if s.step == "look"]
    assert planned.start_s / 60 == pytest.approx(asked_min, abs=1.5)


def _play_tasks(loop: ServedLoop) -> list[float]:
    """Each task is answered after ten minutes; when each was asked, from the start."""
    heard: set[str] = set()

    def hear() -> None:
        for name in loop.state.tasks:
            if name not in heard:
                heard.add(name)
                args: dict[str, Any] = {"question": name, "answers": {}}
                loop.later(600.0, msg.Requested(f"a-{name}", "answer", "Ada", "", args))

    settle = loop._settle

    def settled() -> float | None:
        wake = settle()
        hear()
        return wake

    loop._settle = settled
    loop.run()
    start = loop.journal[0][0]
    return [at - start for at, event in loop.journal if isinstance(event, ev.TaskAsked)]


# -- answers, and a restart ---------------------------------------------------------------------------


def asking_loop() -> ServedLoop:
    """Somebody was asked, and says nothing."""
    loop = loop_of(6, water=REFILL, says=lambda _question: ("done", 1e9))
    return loop.run(until_s=HOUR)


def say(loop: ServedLoop, answer: str, reason: str = "", actor: str = "Ada") -> list[ev.Event]:
    args: dict[str, Any] = {"question": service_id("stock water", 1), "answer": answer}
    return translate(loop.state, msg.Requested("r1", "answer", actor, reason, args))


def test_after_a_restart_the_question_is_still_open_and_an_answer_counts():
    loop = asking_loop()
    state = LabState()
    for number, (at, event) in enumerate(loop.journal, start=1):
        moment = START.fromtimestamp(at, START.tzinfo)
        state = reduce(state, ev.Recorded(seq=number, epoch=1, at=moment, event=event))
    assert state.services == loop.state.services
    assert list(state.questions) == [service_id("stock water", 1)]
    loop.state = state
    for event in say(loop, "done"):
        loop._record(event)
    assert loop.state.questions == {}
    entry = loop.state.services["stock water"]
    assert (entry.taken, entry.done_by, entry.question) == (0, "Ada", "")
    loop.run()
    assert succeeded(loop) == 6


def test_an_answer_needs_a_name_one_of_the_choices_and_a_reason_where_it_is_bad():
    loop = asking_loop()
    for answer, reason, actor, words in (
        ("perhaps", "", "Ada", "answer with one of: done, could_not"),
        ("could_not", " ", "Ada", "say in the reason why it could not be done"),
        ("done", "", " ", "say who asks"),
    ):
        _, *rest = say(loop, answer, reason, actor)
        [told] = rest
        assert isinstance(told, ev.RequestAnswered)
        assert not told.accepted
        assert words in told.detail
    facts = say(loop, "could_not", "the cupboard is locked")
    assert isinstance(facts[1], ev.QuestionAnswered)
    assert (facts[1].answer, facts[1].actor) == ("could_not", "Ada")


def test_when_the_campaign_ends_nobody_is_asked_any_more():
    loop = asking_loop()
    loop._record(
        ev.CampaignFinished(campaign="kit-1", state="stopped", reason="x", best_trial=None)
    )
    assert loop.state.questions == {}
    assert loop.state.services["stock water"].question == ""
    assert tally(loop) == 50_000_000
