"""How one action ended: maps what a driver returned or raised, and what a device says later, to an outcome.

The rules, in order of certainty:
  before `act.begin()`        nothing happened: failed_no_effect
  effect none                 reading has no effect, ever: failed_no_effect
  DeviceError                 as the driver says: none, partial or unknown
  effect absolute             failed_no_effect: the state may be set, but setting it again is harmless
  effect once, after begin    unknown, unless the device can tell (`settle: query`)
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from lab.devices.arguments import finding_in_outputs
from lab.devices.driver import DeviceError
from lab.domain.command import Outcome, Settlement

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import JsonValue

    from lab.devices.ledger import LedgerEntry
    from lab.domain.action import ActionSpec
    from lab.domain.command import CancelOutcome, Command

__all__ = [
    "cancel_outcome",
    "device_can_tell",
    "line_is_suspect",
    "outcome_of_entry",
    "outcome_of_error",
    "outcome_of_outputs",
    "outcome_of_settlement",
    "settled_without_asking",
]

_BY_EFFECT = {"none": "failed_no_effect", "partial": "failed_partial", "unknown": "unknown"}
_BY_VERDICT = {
    "done": "succeeded",
    "not_done": "failed_no_effect",
    "partial": "failed_partial",
    "unknown": "unknown",
}


def outcome_of_outputs(spec: ActionSpec, outputs: Mapping[str, JsonValue]) -> Outcome:
    """Succeeded; unless the values are nonsense. Then a read failed, and a dose of unknown size is unknown."""
    finding = finding_in_outputs(spec, outputs)
    if not finding:
        return Outcome(result="succeeded", outputs=dict(outputs))
    return Outcome(
        result="unknown" if spec.effect == "once" else "failed_no_effect",
        error=finding,
        error_code="bad_output",
    )


def outcome_of_error(
    command: Command, error: BaseException, *, begun: bool, stopped: bool = False
) -> Outcome:
    """How a failed action ended, as far as it is known here. `stopped`: cancelled to make the device safe."""
    code, text = _code_and_text(error, stopped=stopped)
    if command.effect == "none":
        result = "failed_no_effect"
    elif isinstance(error, DeviceError):
        result = _BY_EFFECT[error.effect]
    elif not begun:
        result = "failed_no_effect"
    elif command.effect == "absolute":
        result = "failed_partial" if stopped else "failed_no_effect"
    else:
        result = "unknown"
    return Outcome.model_validate({"result": result, "error": text, "error_code": code})


def cancel_outcome(
    outcome: Outcome, error: BaseException | None, *, started: bool, stands_still: bool
) -> CancelOutcome:
    """What became of an action that was to be stopped. `started`: the driver was asked, and where it acts once it had
    begun. `stands_still`: the device confirmed its safe state after that."""
    if outcome.result == "succeeded":
        return "ran_to_completion"
    if not started:
        return "never_started"
    if not stands_still or outcome.result == "unknown":
        return "unconfirmed"
    return "halted_at_boundary" if isinstance(error, DeviceError) else "halted"


def device_can_tell(command: Command, error: BaseException, *, begun: bool) -> bool:
    """Whether an unknown outcome should be settled with the device at once."""
    interrupted = begun and not isinstance(error, DeviceError)
    return interrupted and command.effect == "once" and command.settle == "query"


def _code_and_text(error: BaseException, *, stopped: bool) -> tuple[str, str]:
    if stopped:
        return "stopped", "stopped before its end"
    if isinstance(error, DeviceError):
        return error.code, str(error)
    if isinstance(error, TimeoutError):
        return "timeout", str(error) or "the device did not answer in time"
    if isinstance(error, OSError):
        return "line_lost", str(error) or "the line to the device was lost"
    return "driver_fault", f"the driver failed: {type(error).__name__}: {error}"


def line_is_suspect(error: BaseException) -> bool:
    """Whether the line must be opened anew: after anything but a fault that the driver could name, an answer may
    still be under way and would be taken for the next one."""
    return not isinstance(error, DeviceError | asyncio.CancelledError)


def settled_without_asking(entry: LedgerEntry, *, acted_since: bool) -> Settlement | None:
    """What is certain from the ledger alone; None where the device must be asked."""
    if entry.settlement is not None:
        return entry.settlement
    if entry.state in ("received", "prepared"):
        return Settlement(verdict="not_done", detail="interrupted before the act began")
    command = entry.command
    if command is None or command.effect != "once":
        return Settlement(
            verdict="not_done", detail="interrupted; reading or setting a state may be repeated"
        )
    if command.settle == "ask":
        return Settlement(verdict="unknown", detail="the device can't tell: a person must look")
    if acted_since:
        return Settlement(
            verdict="unknown", detail="the device has acted since, so its counters no longer tell"
        )
    return None


def outcome_of_settlement(settlement: Settlement, *, error: str = "", code: str = "") -> Outcome:
    """What a settlement means as an outcome. `error` and `code` are why it had to be settled."""
    done = settlement.verdict == "done"
    text = "" if done else ": ".join(part for part in (error, settlement.detail) if part)
    return Outcome.model_validate(
        {
            "result": _BY_VERDICT[settlement.verdict],
            "outputs": settlement.outputs,
            "error": text,
            "error_code": "" if done else code or "interrupted",
        }
    )


def outcome_of_entry(entry: LedgerEntry) -> Outcome | None:
    """The recorded outcome, a later settlement first; None while it has neither."""
    if entry.settlement is not None:
        return outcome_of_settlement(entry.settlement)
    return entry.outcome
