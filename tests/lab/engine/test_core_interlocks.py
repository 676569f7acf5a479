"""No command leaves while a condition on a live value does not hold, or the value is too old to say so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lab.bus import envelope as env
from lab.control.status import status_document
from lab.domain import event as ev
from lab.domain.command import Outcome
from lab.domain.interlock import Interlock
from lab.engine import messages as msg
from tests.lab.engine.kit import (
    START,
    KitContext,
    Mind,
    command_of,
    plan_of,
    sent,
    step,
    usual_plan,
)

if TYPE_CHECKING:
    from lab.domain.plan import Plan

COOL = Interlock(
    name="cool",
    device="balance",
    signal="temperature",
    unit="degC",
    maximum=40.0,
    max_age_s=15.0,
    blocks=("pump",),
    reason="hot liquid bursts the tube",
)
FIRST = "kit-1/r001"


def locked(plan: Plan | None = None, lock: Interlock = COOL, trials: int = 1) -> Mind:
    context = KitContext(plan or usual_plan())
    context.interlocks = (lock,)
    mind = Mind(context, trials)
    mind.settle()
    return mind


def feel(
    mind: Mind,
    value: float,
    *,
    late_s: float = 0.0,
    unit: str = "degC",
    device: str = "balance",
    boot: str = "b1",
    told_s: float | None = None,
) -> list[msg.Effect]:
    told_s = mind.now.timestamp() - late_s if told_s is None else told_s
    mind.tell(msg.Signal(device, "temperature", unit, value, boot, told_s, late_s))
    return mind.settle()


def states(mind: Mind) -> list[str]:
    return [event.state for event in mind.events if isinstance(event, ev.InterlockChanged)]


def waiting(mind: Mind) -> list[str]:
    document = status_document(mind.state, mind.now)
    waits = [wait for run in [*document["runs"], *document["queued"]] for wait in run["waits"]]
    return [wait["waits_for"] for wait in waits if wait["kind"] == "interlock"]


def test_nothing_starts_before_the_value_was_heard() -> None:
    mind = locked()
    assert states(mind) == ["stale"]
    assert sent(mind.propose()) == []
    [why] = waiting(mind)
    assert "cool" in why
    assert "nothing has been heard" in why
    assert "bursts the tube" in why
    assert sent(feel(mind, 25.0)) == ["dose"]
    assert states(mind) == ["stale", "holds"]
    assert waiting(mind) == []


def test_it_starts_when_the_value_is_within_its_limits_again() -> None:
    mind = locked()
    feel(mind, 60.0)
    assert sent(mind.propose()) == []
    assert states(mind) == ["stale", "open"]
    assert sent(feel(mind, 41.0)) == []
    assert states(mind) == ["stale", "open"], "the same finding is recorded once"
    assert sent(feel(mind, 40.0)) == ["dose"]


def test_an_old_value_is_no_value_and_the_core_asks_to_be_woken_for_it() -> None:
    mind = locked()
    feel(mind, 25.0)
    assert mind.wake_s is not None
    assert mind.wake_s <= mind.now.timestamp() + 15.01
    mind.pass_time(15.5)
    assert states(mind)[-1] == "stale"
    assert sent(mind.propose()) == []
    assert sent(feel(mind, 25.0, late_s=20.0)) == [], "one that was long under way is old too"
    assert sent(feel(mind, 25.0)) == ["dose"]


def test_a_clock_that_runs_ahead_makes_no_value_younger() -> None:
    mind = locked()
    feel(mind, 25.0, late_s=-3600.0)
    assert states(mind)[-1] == "holds"
    mind.pass_time(16)
    assert states(mind)[-1] == "stale"


def test_a_late_copy_does_not_replace_a_newer_value() -> None:
    mind = locked()
    feel(mind, 60.0)
    feel(mind, 25.0, late_s=5.0)
    assert states(mind)[-1] == "open"


def test_a_host_whose_clock_is_elsewhere_is_believed_as_long_as_its_values_are_fresh() -> None:
    mind = locked()
    feel(mind, 25.0, told_s=-3600.0)
    assert states(mind)[-1] == "holds"
    feel(mind, 60.0, told_s=-3595.0)
    assert states(mind)[-1] == "open"
    feel(mind, 25.0, told_s=-3598.0)
    assert states(mind)[-1] == "open", "told before the other, so it does not replace it"


def test_a_host_that_is_started_again_counts_anew() -> None:
    mind = locked()
    feel(mind, 60.0)
    mind.pass_time(2.0)
    feel(mind, 25.0, boot="b2", told_s=0.0)
    assert states(mind)[-1] == "holds"
    feel(mind, 60.0, late_s=1.0)
    assert states(mind)[-1] == "holds", "a late word of the earlier life"


@pytest.mark.parametrize("changes", [{"unit": "K"}, {"device": "pump"}])
def test_another_signal_says_nothing(changes: dict[str, str]) -> None:
    mind = locked()
    feel(mind, 25.0, **changes)  # pyright: ignore[reportArgumentType]
    assert states(mind) == ["stale"]


def test_it_blocks_the_named_actions_only() -> None:
    plan = plan_of(step("stir", "pump", action="stir", effect="absolute"), stations=())
    lock = COOL.model_copy(update={"actions": ("act",)})
    mind = locked(plan, lock)
    assert sent(mind.propose()) == ["stir"]
    mind = locked(plan, lock.model_copy(update={"actions": ("stir",)}))
    assert sent(mind.propose()) == []


def test_other_devices_go_on() -> None:
    plan = plan_of(step("weigh", "balance"), step("dose", "pump", ("weigh",)), stations=())
    mind = locked(plan)
    weigh = command_of(mind.propose())
    assert sent(mind.end(weigh, device="balance", mass=1.0)) == []
    assert sent(feel(mind, 25.0)) == ["dose"]


def test_safe_state_steps_wait_too_and_say_so() -> None:
    mind = locked()
    feel(mind, 25.0)
    dose = command_of(mind.propose())
    feel(mind, 60.0)
    assert sent(mind.end(dose, "failed_partial")) == []
    assert mind.state.runs[FIRST].status == "stopping"
    assert waiting(mind)
    assert sent(feel(mind, 25.0)) == ["empty"]


def test_a_new_engine_believes_no_old_value() -> None:
    mind = locked()
    feel(mind, 25.0)
    mind.restart()
    assert mind.state.interlocks == {}
    for device in ("pump", "balance"):
        mind.tell(env.State(ledger="l1", device=device, state="ready"))
    assert sent(mind.propose()) == []
    assert states(mind)[-1] == "stale"
    assert sent(feel(mind, 25.0)) == ["dose"]


def test_what_its_host_refused_for_the_interlock_is_tried_again_and_is_no_failure() -> None:
    mind = locked()
    feel(mind, 25.0)
    dose = command_of(mind.propose())
    outcome = Outcome(result="failed_no_effect", error="cover open", error_code="interlock")
    mind.tell(env.OutcomeMessage(device="pump", id=dose, outcome=outcome))
    assert sent(mind.settle()) == []
    feel(mind, 25.0)
    assert sent(mind.pass_time(6)) == ["dose"]
    assert mind.state.runs[FIRST].steps["dose"].retries == 0


def test_status_shows_every_interlock_with_its_cause_and_since_when() -> None:
    mind = locked()
    feel(mind, 60.0)
    mind.pass_time(10)
    [told] = status_document(mind.state, mind.now)["interlocks"]
    assert (told["interlock"], told["state"], told["for_s"]) == ("cool", "open", 10.0)
    assert told["detail"] == "temperature of balance is 60 degC, and must be at most 40 degC"
    assert told["blocks"] == ["pump"]
    assert told["since"].startswith(f"{START:%Y-%m-%dT%H:%M}")


def test_without_interlocks_nothing_is_recorded_of_them() -> None:
    mind = Mind()
    mind.settle()
    assert states(mind) == []
    assert sent(mind.propose()) == ["dose"]
