"""Results that are withdrawn: what that changes for the optimiser and the campaign, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from lab.domain import event as ev
from lab.domain.reduce import reduce_all
from lab.domain.state import LabState
from lab.optimize.recorded import history_of
from tests.lab.engine.test_people_trials import People


class Measured(People):
    """Trials 1 and 2 have values, 3 failed, 4 runs, and -1 came from outside."""

    def __init__(self, trials: int = 6) -> None:
        super().__init__(trials=trials, parallel=1)
        for number in (1, 2, 3, 4):
            self._tell(
                ev.TrialProposed(
                    campaign="kit-2", trial=number, factors={"x": 0.1, "y": 0.2}, origin="model"
                )
            )
        self._tell(ev.TrialCompleted(campaign="kit-2", trial=1, value=1.0))
        self._tell(ev.TrialCompleted(campaign="kit-2", trial=2, value=9.0))
        self._tell(ev.TrialFailed(campaign="kit-2", trial=3, reason="a tip fell off"))
        result = ev.OutsideResult(factors={"x": 0.5, "y": 0.5}, value=4.0)
        self._tell(
            ev.ResultsAdded(campaign="kit-2", results=(result,), actor="Ada", reason="a paper")
        )

    def _tell(self, event: ev.Event) -> None:
        self.record(event)

    @property
    def told(self) -> dict[int, tuple[str, float | None]]:
        return {r.number: (r.status, r.value) for r in history_of(self.campaign, self.state)}


@pytest.mark.parametrize("number", [2, 3, -1])
def test_what_is_withdrawn_teaches_nothing(number: int):
    mind = Measured()
    before = mind.told
    assert before == {
        -1: ("done", 4.0),
        1: ("done", 1.0),
        2: ("done", 9.0),
        3: ("failed", None),
        4: ("pending", None),
    }
    accepted, detail = mind.say("withdraw", "the vial leaked", trial=number)
    assert accepted, detail
    assert detail == (
        f"trial {number} teaches nothing any more; what was measured stays in the records"
    )
    assert mind.told == {**before, number: ("aborted", None)}


def test_the_best_is_the_next_one():
    mind = Measured()
    best = mind.campaign.best()
    assert best is not None
    assert best.number == 2
    assert mind.say("withdraw", "the vial leaked", trial=2)[0]
    best = mind.campaign.best()
    assert best is not None
    assert best.number == 1
    assert mind.trial(2).reason == "withdrawn by Ada: the vial leaked"


def test_the_value_stays_in_the_journal_and_a_replay_knows_the_same():
    mind = Measured()
    assert mind.say("withdraw", "the vial leaked", trial=2)[0]
    kept = [r.event for r in mind.records if isinstance(r.event, ev.TrialCompleted)]
    assert [event.value for event in kept] == [1.0, 9.0]
    assert reduce_all(LabState(), mind.records).campaigns["kit-2"] == mind.campaign


def test_it_uses_up_its_part_of_the_budget():
    mind = Measured(trials=4)
    assert mind.campaign.enough
    assert mind.say("withdraw", "the vial leaked", trial=2)[0]
    assert mind.campaign.enough


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"trial": 9}, "there is no trial 9; ended: -1, 1, 2, 3"),
        ({"trial": "2"}, "there is no trial 2; ended: -1, 1, 2, 3"),
        ({"trial": 4}, "trial 4 has no result to withdraw yet"),
    ],
)
def test_what_has_no_result_is_refused(said: dict[str, Any], words: str):
    mind = Measured()
    before = mind.campaign
    accepted, detail = mind.say("withdraw", "the vial leaked", **said)
    assert not accepted
    assert words in detail
    assert mind.campaign == before


def test_twice_is_refused_and_so_is_once_without_a_reason():
    mind = Measured()
    assert mind.say("withdraw", " ", trial=2) == (
        False,
        "say why (withdraw): whoever reads the record will ask",
    )
    assert mind.say("withdraw", "the vial leaked", trial=2)[0]
    assert mind.say("withdraw", "the vial leaked", trial=2) == (
        False,
        "trial 2 is withdrawn: it teaches nothing as it is",
    )


def test_a_running_trial_is_aborted_and_a_waiting_one_rejected_instead():
    mind = People(approval=True)
    mind.suggest()
    assert mind.say("withdraw", "a hunch", trial=1)[1].endswith("yet: reject it")
    assert mind.say("approve", "", trial=1)[0]
    mind.settle()
    run = mind.trial(1).run
    assert run
    assert mind.say("withdraw", "a hunch", trial=1)[1].endswith(f"`lab abort {run}` ends its run")
