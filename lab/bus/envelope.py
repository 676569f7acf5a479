"""The messages between engine and device hosts, as JSON on the wire. Both ends validate them.

Everything needed to correlate is in the payload, so MQTT 3.1.1 and 5 serve alike.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, TypeAdapter

from lab.domain.action import CapabilitySpec
from lab.domain.command import Outcome, Settlement

__all__ = [
    "Ack",
    "CancelMessage",
    "CommandMessage",
    "Description",
    "DeviceState",
    "Downstream",
    "EngineBeat",
    "Heartbeat",
    "Hello",
    "OutcomeMessage",
    "ProgressMessage",
    "QueryMessage",
    "QueryReply",
    "SafeMessage",
    "SafeReply",
    "State",
    "Telemetry",
    "Upstream",
    "parse_downstream",
    "parse_upstream",
]

DeviceState = Literal["ready", "busy", "manual", "fault", "safe", "disconnected"]


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    v: Literal[1] = 1


# -- engine -> device host (topic cmd) ----------------------------------------------------------


class Hello(_Message):
    """An engine's first word: hosts refuse every lower epoch from now on. Lifts nothing by itself."""

    op: Literal["hello"] = "hello"
    epoch: int
    lifts: tuple[str, ...] = ()
    """Ids of the safe requests that no longer hold, because a named person re-armed the lab. They are always named: a
    late copy of this message must not lift a request that came after it."""


class CommandMessage(_Message):
    """Do something. `seq` rises by one per device and epoch; `expires_s` counts real seconds from `sent_at`."""

    op: Literal["command"] = "command"
    id: str
    epoch: int
    seq: int
    run: str
    step: str
    attempt: int
    action: str
    args: dict[str, JsonValue]
    effect: Literal["none", "absolute", "once"]
    settle: Literal["query", "ask"]
    timeout_s: float
    sent_at: float
    """Unix time of sending on the engine's real clock (process clock when virtual)."""
    expires_s: float
    actor: str
    horizon: int
    """Every command to this device with a lower number in this epoch, and every one of lower epochs, is closed in the
    journal and will never be asked for again; 0 says nothing."""


class QueryMessage(_Message):
    """What became of that command?"""

    op: Literal["query"] = "query"
    id: str
    epoch: int


class CancelMessage(_Message):
    """Stop that command if it is in hand, make sure that the device stands still, and tell the outcome. If it never came,
    refuse it from now on."""

    op: Literal["cancel"] = "cancel"
    id: str
    epoch: int
    actor: str


class SafeMessage(_Message):
    """Go to the declared safe state and refuse commands until a hello lifts this request."""

    op: Literal["safe"] = "safe"
    id: str
    epoch: int
    actor: str


class EngineBeat(_Message):
    """The engine lives and is in charge (topic `_engine` of the lab, QoS 0). Hosts that hear none for long make their
    devices safe by themselves."""

    op: Literal["beat"] = "beat"
    epoch: int
    sent_at: float
    """Unix time of sending, as in a command: a beat that was long under way is no sign of life."""
    leaving: bool = False
    """The last one of an engine that has ended in order: devices stay as its procedures left them."""


# -- device host -> engine ---------------------------------------------------------------------


class Description(_Message):
    """Topic `desc`, retained."""

    kind: Literal["desc"] = "desc"
    device: str
    driver: str
    driver_version: str
    manufacturer: str
    model: str
    serial_number: str
    firmware: str
    simulated: bool
    capabilities: list[CapabilitySpec]
    safe_state: str
    telemetry: dict[str, str]


class State(_Message):
    """Topic `state`, retained."""

    kind: Literal["state"] = "state"
    device: str
    state: DeviceState
    detail: str = ""
    safe_requests: tuple[str, ...] = ()
    """Ids of the requests that keep the device safe: what a hello would have to lift."""


class Heartbeat(_Message):
    """Topic `hb`. `boot` is new at each start of the host; `epoch` is the highest one it obeys."""

    kind: Literal["hb"] = "hb"
    device: str
    boot: str
    epoch: int
    state: DeviceState
    detail: str = ""
    safe_requests: tuple[str, ...] = ()
    """These three as in `State`."""


class Ack(_Message):
    """Topic `ack`: accepted, or refused and nothing will happen, also not by a late copy. `reason` is stable:
    `stale_epoch`, `stale_seq`, `expired`, `retained`, `busy`, `safe`, `bad_args`, `unknown_action`, `disconnected`,
    `withdrawn` (a query or a cancellation came first, and was told that the command was never seen)."""

    kind: Literal["ack"] = "ack"
    device: str
    id: str
    accepted: bool
    reason: str = ""
    detail: str = ""


class ProgressMessage(_Message):
    """Topic `evt`: intermediate values."""

    kind: Literal["progress"] = "progress"
    device: str
    id: str
    values: dict[str, JsonValue]


class OutcomeMessage(_Message):
    """Topic `evt`: how a command ended. Repeated when the command or a query is repeated."""

    kind: Literal["outcome"] = "outcome"
    device: str
    id: str
    outcome: Outcome


class QueryReply(_Message):
    """Topic `evt`: `never_seen` (and now refused for ever), `running` (or still being found out: ask again), `ended`
    (with outcome), or `settled`: it was interrupted and the device was asked."""

    kind: Literal["query_reply"] = "query_reply"
    device: str
    id: str
    status: Literal["never_seen", "running", "ended", "settled"]
    outcome: Outcome | None = None
    settlement: Settlement | None = None


class Telemetry(_Message):
    """Topic `data/<channel>`, QoS 0: pairs of Unix time (process clock) and value in `unit`.

    Not one of `Upstream`: the engine does not listen to it. Parse it with `Telemetry.model_validate_json`.
    """

    kind: Literal["telemetry"] = "telemetry"
    device: str
    channel: str
    unit: str
    samples: list[tuple[float, float]]


class SafeReply(_Message):
    """Topic `evt`: the device is in its safe state, or it could not be confirmed."""

    kind: Literal["safe_reply"] = "safe_reply"
    device: str
    id: str
    confirmed: bool
    detail: str = ""


Downstream = Annotated[
    Hello | CommandMessage | QueryMessage | CancelMessage | SafeMessage | EngineBeat,
    Field(discriminator="op"),
]
Upstream = Annotated[
    Description
    | State
    | Heartbeat
    | Ack
    | ProgressMessage
    | OutcomeMessage
    | QueryReply
    | SafeReply,
    Field(discriminator="kind"),
]

_DOWN: TypeAdapter[Downstream] = TypeAdapter(Downstream)
_UP: TypeAdapter[Upstream] = TypeAdapter(Upstream)


def parse_downstream(payload: bytes) -> Downstream:
    """Validate what a device host received; pydantic.ValidationError for anything else."""
    return _DOWN.validate_json(payload)


def parse_upstream(payload: bytes) -> Upstream:
    """Validate what the engine received; pydantic.ValidationError for anything else."""
    return _UP.validate_json(payload)
