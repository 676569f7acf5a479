"""Whether a device host takes a command: a pure decision from the message and what the ledger knows.

The order of the questions matters. An id that the ledger knows is answered from the ledger, whoever asks and however
late. Every refusal of a new id is final (the caller records it), because the engine reads a refusal as "nothing will
happen" and may send a new attempt: a late copy of the refused message must then not act.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from lab.devices.arguments import checked_args

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import JsonValue

    from lab.bus.envelope import CommandMessage
    from lab.devices.ledger import Claim, LedgerEntry
    from lab.domain.action import ActionSpec

__all__ = ["FORGOTTEN", "Accept", "Decision", "Mode", "Refuse", "Repeat", "admit"]

FORGOTTEN = "forgotten"
"""Refusal of what an earlier ledger may have seen. It proves nothing, so the engine is not told that nothing will happen."""

Mode = Literal["ready", "busy", "safe", "disconnected"]
"""What the device is able to take right now."""


@dataclass(frozen=True, slots=True)
class Accept:
    """Act. `args` are checked, with the contract's defaults."""

    args: dict[str, JsonValue]


@dataclass(frozen=True, slots=True)
class Repeat:
    """Known already: give the recorded answer, never act."""


@dataclass(frozen=True, slots=True)
class Refuse:
    """Nothing will happen. `reason` is one of `lab.bus.envelope.Ack`."""

    reason: str
    detail: str


Decision = Accept | Repeat | Refuse


def admit(
    message: CommandMessage,
    *,
    retained: bool,
    known: LedgerEntry | None,
    ledger: str,
    holder: Claim,
    last_seq: int,
    now: float,
    mode: Mode,
    actions: Mapping[str, ActionSpec],
) -> Decision:
    """Decide. `ledger` is the identity of the host's own, `holder` holds the device once the message has been heard,
    `last_seq` is the highest number of the message's engine, `now` Unix time."""
    if known is not None and not _sent_anew(message, known):
        return Repeat()
    if message.ledger != ledger:
        return Refuse(FORGOTTEN, "it was sent to this device's host when that had another ledger")
    if retained:
        return Refuse("retained", "commands are never retained: this one may be of any age")
    if message.journal != holder.journal:
        return Refuse("outranked", "the device is held by the engine of other records")
    if message.epoch < holder.epoch:
        return Refuse(
            "stale_epoch", f"epoch {message.epoch} is over: an engine with {holder.epoch} took over"
        )
    if now > message.sent_at + message.expires_s:
        late = now - message.sent_at - message.expires_s
        return Refuse("expired", f"came {late:.1f} s after it expired")
    if message.seq <= last_seq:
        return Refuse(
            "stale_seq", f"number {message.seq} after {last_seq}: a late or doubled message"
        )
    return _fits(message, mode, actions)


def _sent_anew(message: CommandMessage, known: LedgerEntry) -> bool:
    """True when the engine deliberately repeats an interrupted read or setting under the same id.

    A late copy of the first message carries the first number, so only a newer one can mean it. What acts once never
    acts again under its id.
    """
    if message.effect == "once" or known.state in ("ended", "refused_forever"):
        return False
    settled_otherwise = known.settlement is not None and known.settlement.verdict != "not_done"
    return not settled_otherwise and (message.epoch, message.seq) > (known.epoch, known.seq)


def _fits(message: CommandMessage, mode: Mode, actions: Mapping[str, ActionSpec]) -> Decision:
    spec = actions.get(message.action)
    if spec is None:
        offered = ", ".join(actions) or "nothing"
        return Refuse("unknown_action", f"{message.action}: the device offers {offered}")
    args, findings = checked_args(spec, message.args)
    if message.effect != spec.effect or message.settle != spec.settle:
        findings.append(
            f"sent as effect {message.effect}, settle {message.settle}; the contract here says"
            f" {spec.effect}, {spec.settle}: engine and device host differ in version"
        )
    if message.timeout_s <= 0:
        findings.append(f"timeout_s: must be above 0, not {message.timeout_s:g}")
    if findings:
        return Refuse("bad_args", "; ".join(findings))
    if mode == "safe":
        return Refuse("safe", "the device was made safe; a named person must re-arm the lab")
    if mode == "disconnected":
        return Refuse("disconnected", "the host has no connection to the device")
    if mode == "busy":
        return Refuse("busy", "another action is running")
    return Accept(args)
