"""The laws themselves: each is a function from the evidence of a seed to what speaks against it."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from lab.domain.event import Recorded, event_from_json
from lab.domain.reduce import reduce_all
from lab.domain.state import LabState
from lab.faults.laboratory import DEAD_MAN_S
from lab.records.codec import chain_hash
from lab.records.tables import GENESIS_HASH

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lab.faults.knobs import Knobs
    from lab.faults.laboratory import HostLife
    from lab.faults.network import Delivery
    from lab.faults.room import Act, Room
    from lab.faults.store import Row

__all__ = ["LAWS", "Evidence"]

Event = dict[str, Any]

_FINAL_OUTCOMES = ("succeeded", "failed_no_effect", "failed_partial")
_LID_SLACK_S = 3.0
"""A lid may open between the last look at it and the act."""
_CLOSE_UL = 0.5


@dataclass(frozen=True)
class Evidence:
    """What is known of a seed from outside: durable rows, the room, what reached the hosts, the last state."""

    rows: Sequence[Row]
    events: Sequence[Event]
    room: Room
    commands: Sequence[Delivery]
    state: LabState | None
    beats: Sequence[Delivery]
    host_lives: Sequence[HostLife]
    knobs: Knobs
    ended_s: float
    """When the campaign was over: an engine that leaves then is not missed."""
    thorough: bool
    """Fold the rows anew as well, which takes as long as the rest."""

    @cached_property
    def intents(self) -> dict[str, tuple[int, Event]]:
        """Command id -> its first row's index, and the command."""
        found: dict[str, tuple[int, Event]] = {}
        for index, event in enumerate(self.events):
            if event["kind"] == "command_intended":
                found.setdefault(event["command"]["id"], (index, event["command"]))
        return found

    @cached_property
    def by_volume(self) -> dict[int, list[str]]:
        """uL -> ids of the commands that asked for it, in order of their intents."""
        found: dict[int, list[str]] = {}
        for name, (_, command) in self.intents.items():
            if command["effect"] == "once":
                found.setdefault(round(command["args"]["volume"] * 1000), []).append(name)
        return found

    @cached_property
    def reports(self) -> dict[str, list[tuple[int, str]]]:
        """Command id -> (row index, word) for everything that was recorded of it after its intent."""
        found: dict[str, list[tuple[int, str]]] = {}
        for index, event in enumerate(self.events):
            word = _word(event)
            if word:
                found.setdefault(event["command"], []).append((index, word))
        return found

    @cached_property
    def acts(self) -> dict[int, list[Act]]:
        """uL -> acts of that volume."""
        found: dict[int, list[Act]] = {}
        for act in self.room.acts:
            found.setdefault(act.volume, []).append(act)
        return found


def _word(event: Event) -> str:
    match event["kind"]:
        case "command_refused":
            return "refused"
        case "command_unknown":
            return "unknown"
        case "command_ended":
            return str(event["outcome"]["result"])
        case "command_settled":
            return f"settled_{event['settlement']['verdict']}"
        case _:
            return ""


def _acts_once(evidence: Evidence) -> list[str]:
    """I1: each command id acts at most once; and, as every step that acts once names its volume, each step does."""
    found: list[str] = []
    ids = [e["command"]["id"] for e in evidence.events if e["kind"] == "command_intended"]
    found += [
        f"I1: command id {name} was used {n} times" for name, n in Counter(ids).items() if n > 1
    ]
    for volume, acts in evidence.acts.items():
        if len(acts) > 1:
            when = ", ".join(f"{act.at_s:.3f} s" for act in acts)
            found.append(f"I1: {acts[0].device} dosed {volume} uL {len(acts)} times ({when})")
    return found


def _as_the_procedure_says(evidence: Evidence) -> list[str]:
    """I2: a run that succeeded acted exactly as its plan says, in order."""
    found: list[str] = []
    plans = {e["run"]: e["plan"] for e in evidence.events if e["kind"] == "run_started"}
    for event in evidence.events:
        if event["kind"] != "run_finished" or event["outcome"] != "succeeded":
            continue
        last = -1.0
        for step in plans[event["run"]]["steps"]:
            if step["effect"] != "once":
                continue
            volume = round(step["args"]["volume"] * 1000)
            acts = evidence.acts.get(volume, [])
            if step["safe_state"]:
                if acts:
                    found.append(f"I2: {event['run']} succeeded, and its {step['path']} acted")
                continue
            if len(acts) != 1 or acts[0].delivered < volume - _CLOSE_UL:
                told = [act.delivered for act in acts]
                found.append(f"I2: {event['run']} succeeded with {step['path']} done as {told}")
                continue
            if acts[0].at_s < last:
                found.append(f"I2: {event['run']} did {step['path']} out of order")
            last = acts[0].at_s
    return found


def _intended_before(evidence: Evidence) -> list[str]:
    """I3: nothing acts without an intent that was durable before."""
    found: list[str] = []
    for act in evidence.room.acts:
        intents = [evidence.intents[name][0] for name in evidence.by_volume.get(act.volume, ())]
        if not any(index < act.rows for index in intents):
            found.append(f"I3: {act.device} dosed {act.volume} uL at {act.at_s:.3f} s unintended")
    return found


def _told_truly(evidence: Evidence) -> list[str]:
    """I4: every act ends as a record, and what is recorded as done (or not) was (or was not)."""
    if evidence.state is None:
        return []
    found: list[str] = []
    for volume, names in evidence.by_volume.items():
        acts = evidence.acts.get(volume, [])
        final = [_final(evidence.reports.get(name, [])) for name in names]
        open_ones = [name for name, word in zip(names, final, strict=True) if not word]
        if open_ones:
            found.append(f"I4: nothing was ever recorded of how {volume} uL ended")
        done = [word for word in final if word in ("succeeded", "settled_done")]
        partial = [word for word in final if word in ("failed_partial", "settled_partial")]
        given_up = [word for word in final if word == "settled_unknown"]
        if acts and not open_ones and not (done or partial or given_up):
            found.append(f"I4: {volume} uL were dosed, and the records say {', '.join(final)}")
        if (done or partial) and not acts:
            found.append(
                f"I4: {volume} uL are recorded as {(done + partial)[0]}, and nothing acted"
            )
        if done and acts and acts[0].delivered < volume - _CLOSE_UL:
            found.append(f"I4: {volume} uL are recorded as done; it was {acts[0].delivered:.0f}")
    return found


def _final(reports: Sequence[tuple[int, str]]) -> str:
    words = [word for _, word in reports if word != "unknown"]
    return words[0] if words else ""


def _one_doubt_at_a_time(evidence: Evidence) -> list[str]:
    """I5: no second act that happens once is intended for a device while one is open or unknown there."""
    found: list[str] = []
    open_at: dict[str, str] = {}
    for event in evidence.events:
        if event["kind"] == "command_intended":
            command = event["command"]
            known = open_at.get(command["device"])
            if known is not None:
                found.append(
                    f"I5: {command['step']} of {command['run']} intended while {known} is open"
                )
            open_at[command["device"]] = command["id"]
        elif (
            _word(event) not in ("", "unknown") and open_at.get(event["device"]) == event["command"]
        ):
            del open_at[event["device"]]
    return found


_MODES = {"lab_paused": "paused", "lab_stopping": "stopping", "lab_made_safe": "safe"}


def _aborts_settle(evidence: Evidence) -> list[str]:
    """I6: no main step is intended while the lab does not run or after its run is being ended; what was to be stopped
    is settled in a word."""
    found: list[str] = []
    ending: set[str] = set()
    mode = "running"
    safe: dict[str, set[str]] = {}
    asked: dict[str, str] = {}
    for event in evidence.events:
        match event["kind"]:
            case "run_started":
                steps = event["plan"]["steps"]
                safe[event["run"]] = {s["path"] for s in steps if s["safe_state"]}
            case "lab_paused" | "lab_stopping" | "lab_made_safe" | "lab_resumed" | "lab_rearmed":
                mode = _MODES.get(event["kind"], "running")
            case "run_stopping":
                ending.add(event["run"])
            case "command_intended":
                command = event["command"]
                main = command["step"] not in safe[command["run"]]
                if mode != "running" and (main or mode == "safe"):
                    found.append(
                        f"I6: {command['step']} of {command['run']} while the lab is {mode}"
                    )
                if main and command["run"] in ending:
                    found.append(f"I6: {command['step']} of {command['run']} after its end began")
            case "cancel_asked":
                asked[event["command"]] = ""
            case "cancel_settled":
                asked[event["command"]] = event["outcome"]
            case _:
                pass
    for name, word in asked.items():
        if not word and evidence.state is not None:
            found.append(f"I6: the cancellation of {name} was never settled")
        command = evidence.intents[name][1]
        acts = evidence.acts.get(round(command["args"].get("volume", 0.0) * 1000), [])
        mine = list(evidence.by_volume.get(acts[0].volume, ())) if acts else []
        if word == "never_started" and mine == [name]:
            found.append(f"I6: {name} is said never to have started, and it acted")
    return found


def _interlocked(evidence: Evidence) -> list[str]:
    """I7: nothing acts while its interlock has been open for longer than a look takes."""
    return [
        f"I7: {act.device} dosed {act.volume} uL with the lid open for {act.lid_open_s:.1f} s"
        for act in evidence.room.acts
        if act.device == "pump"
        and act.lid_open_s > _LID_SLACK_S
        and any(e["kind"] == "interlock_changed" for e in evidence.events)
    ]


_HINDERED = frozenset({5, 6, 7, 9})
"""Classes in which a beat may be late or a line may not carry the order to be safe."""


def _dead_man(evidence: Evidence) -> list[str]:
    """I7: a heater is off at the latest a second after its host has heard nothing of an engine for the dead-man time."""
    heater = evidence.room.machines.get("heater")
    if heater is None or not evidence.knobs.dead_man or evidence.knobs.classes & _HINDERED:
        return []
    found: list[str] = []
    for life in evidence.host_lives:
        if life.device != "heater":
            continue
        signs = [d.at_s for d in (*evidence.beats, *evidence.commands) if d.to is life.process]
        signs = sorted([life.since_s, *signs])
        end_s = min(life.until_s, evidence.ended_s)
        for sign, following in zip(signs, [*signs[1:], end_s], strict=True):
            due = sign + DEAD_MAN_S + 1.0
            before = [value for at_s, value in heater.heated if at_s <= due]
            if min(following, end_s) > due and before and before[-1] > 0.0:
                found.append(
                    f"I7: the heater is at {before[-1]:g} degC at {due:.1f} s: no sign since {sign:.1f} s"
                )
    return found


def _lower_epochs_rest(evidence: Evidence) -> list[str]:
    """I8: a command of an engine that was replaced begins nothing once its host has heard of the new one."""
    found: list[str] = []
    heard: dict[str, list[tuple[float, int]]] = {}
    first_sent: dict[str, tuple[float, int]] = {}
    for delivery in evidence.commands:
        try:
            message = json.loads(delivery.payload)
            epoch, device = int(message["epoch"]), delivery.topic.split("/")[3]
        except (ValueError, KeyError, TypeError):
            continue
        if message.get("v") != 1:
            continue
        if message["op"] == "command":
            known = first_sent.get(message["id"])
            if known is None:
                first_sent[message["id"]] = (delivery.at_s, epoch)
        heard.setdefault(device, []).append((delivery.at_s, epoch))
    for act in evidence.room.acts:
        names = evidence.by_volume.get(act.volume, [])
        sent = [first_sent[name] for name in names if name in first_sent]
        sent = [entry for entry in sent if entry[0] <= act.at_s]
        if not sent:
            continue
        at_s, epoch = sent[-1]
        higher = [e for t, e in heard[act.device] if t < at_s and e > epoch]
        if higher:
            found.append(
                f"I8: {act.device} dosed {act.volume} uL for epoch {epoch}, {max(higher)} was heard before"
            )
    return found


def _never_too_much(evidence: Evidence) -> list[str]:
    """I9: the pot never holds more than it can."""
    fullest = evidence.room.fullest_ul
    return [f"I9: the pot held {fullest:.0f} uL"] if fullest > evidence.knobs.scale.pot_ul else []


def _chained(evidence: Evidence) -> list[str]:
    """I10: the rows are numbered without a gap and chained, epochs and times never fall; they fold to the last state."""
    previous, epoch, at = GENESIS_HASH, 0, ""
    for number, row in enumerate(evidence.rows, start=1):
        if row.seq != number or row.prev_hash != previous:
            return [f"I10: row {number} does not follow the one before it"]
        if row.hash != chain_hash(previous, row.seq, row.epoch, row.at, row.body):
            return [f"I10: row {number} does not have the hash of its content"]
        if row.epoch < epoch or row.at < at:
            return [f"I10: row {number} is of an earlier epoch or time than the one before it"]
        previous, epoch, at = row.hash, row.epoch, row.at
    if evidence.state is not None and evidence.thorough:
        records = [
            Recorded(
                seq=row.seq,
                epoch=row.epoch,
                at=datetime.fromisoformat(row.at),
                event=event_from_json(row.body),
            )
            for row in evidence.rows[: evidence.state.seq]
        ]
        if reduce_all(LabState(), records) != evidence.state:
            return ["I10: the rows fold to another state than the engine's last one"]
    return []


def _all_ended(evidence: Evidence) -> list[str]:
    """I11: when the campaign is over, every run, request, question and trial has ended."""
    if evidence.state is None:
        return []
    kinds = Counter(event["kind"] for event in evidence.events)
    asked = Counter(e["request"] for e in evidence.events if e["kind"] == "request_received")
    found = [f"I11: request {name} was recorded {n} times" for name, n in asked.items() if n > 1]
    for begin, end in (("run_started", "run_finished"), ("request_received", "request_answered")):
        if kinds[begin] != kinds[end]:
            found.append(f"I11: {kinds[begin]} times {begin}, {kinds[end]} times {end}")
    over = kinds["trial_completed"] + kinds["trial_failed"]
    if kinds["trial_proposed"] != over:
        found.append(f"I11: {kinds['trial_proposed']} trials proposed, {over} ended")
    return found


def _measured_once(evidence: Evidence) -> list[str]:
    """I13: each value was measured by a balance, belongs to one command, and none that was acknowledged is lost."""
    found: list[str] = []
    seen: Counter[tuple[str, str]] = Counter()
    values: Counter[float] = Counter()
    for event in evidence.events:
        if event["kind"] == "observation_recorded":
            seen[event["command"], event["name"]] += 1
            if event["name"] == "mass":
                values[event["value"]["value"]] += 1
    found += [
        f"I13: {name} of {command} is recorded {n} times"
        for (command, name), n in seen.items()
        if n > 1
    ]
    found += [
        f"I13: {value} g was measured once and recorded {n} times"
        for value, n in values.items()
        if n > 1
    ]
    weighed = set(evidence.room.weighed)
    found += [f"I13: {value} g was never measured" for value in values if value not in weighed]
    done = [
        e["command"]
        for e in evidence.events
        if e["kind"] == "command_ended"
        and e["outcome"]["result"] == "succeeded"
        and "mass" in e["outcome"]["outputs"]
    ]
    if evidence.state is not None:
        lost = [name for name in done if (name, "mass") not in seen]
        found += [f"I13: the value of {name} was told and not recorded" for name in lost]
    return found


LAWS: tuple[Callable[[Evidence], list[str]], ...] = (
    _acts_once,
    _as_the_procedure_says,
    _intended_before,
    _told_truly,
    _one_doubt_at_a_time,
    _aborts_settle,
    _interlocked,
    _dead_man,
    _lower_epochs_rest,
    _never_too_much,
    _chained,
    _all_ended,
    _measured_once,
)
