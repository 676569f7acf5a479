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
    "Held",
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


class Held(BaseModel):
    """Who holds a device: the engine of an epoch, on the records of an identity. Each holds a device at most once."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    journal: str
    epoch: int


class _Order(_Message):
    """What an engine says. Orders of another engine than the one that holds the device are not obeyed."""

    epoch: int
    journal: str = Field(min_length=1)
    """Identity of the engine's records. Epochs of different records can't be compared."""


class Hello(_Order):
    """An engine's first word: hosts obey no lower epoch of these records from now on. Lifts nothing by itself.

    It claims a device that nobody holds, or whose holder has left in order; any other only where it names its holder."""

    op: Literal["hello"] = "hello"
    takes: Held | None = None
    """The holder that a person means to replace. Named, because a late copy must not replace a later one."""
    lifts: tuple[str, ...] = ()
    """Ids of the safe requests that no longer hold, because a named person re-armed the lab. They are always named: a
    late copy of this message must not lift a request that came after it."""


class CommandMessage(_Order):
    """Do something. `seq` rises by one per device, records and epoch; `expires_s` counts real seconds from `sent_at`."""

    op: Literal["command"] = "command"
    id: str
    seq: int
    run: str
    step: str
    attempt: int
    action: str
    args: dict[str, JsonValue]
    effect: Literal["none", "absolute", "once"]
    settle: Literal["query", "ask"]
    timeout_s: float
    ledger: str
    """Identity of the ledger that the device's host had when the command was intended. A host with another one may know
    nothing of what was done, so it does not act."""
    sent_at: float
    """Unix time of sending on the engine's real clock (process clock when virtual)."""
    expires_s: float
    actor: str
    horizon: int
    """Every command to this device with a lower number in this epoch, and every one of lower epochs, is closed in the
    journal and will never be asked for again; 0 says nothing."""


class QueryMessage(_Order):
    """What became of that command?"""

    op: Literal["query"] = "query"
    id: str
    ledger: str
    """As in the command; empty where the engine does not know it."""


class CancelMessage(_Order):
    """Stop that command if it is in hand, make sure that the device stands still, and tell the outcome. If it never came,
    refuse it from now on."""

    op: Literal["cancel"] = "cancel"
    id: str
    ledger: str
    """As in the command; empty where the engine does not know it."""
    actor: str


class SafeMessage(_Order):
    """Go to the declared safe state and refuse commands until a hello lifts this request. Obeyed from every engine."""

    op: Literal["safe"] = "safe"
    id: str
    actor: str


class EngineBeat(_Order):
    """The engine lives and is in charge (topic `_engine` of the lab, QoS 0). Hosts that hear none for long make their
    devices safe by themselves."""

    op: Literal["beat"] = "beat"
    sent_at: float
    """Unix time of sending, as in a command: a beat that was long under way is no sign of life."""
    leaving: bool = False
    """The last one of an engine that has ended in order: devices stay as its procedures left them, and another engine may
    have them."""


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
    ledger: str
    """Identity of the ledger of its host."""
    state: DeviceState
    detail: str = ""
    safe_requests: tuple[str, ...] = ()
    """Ids of the requests that keep the device safe: what a hello would have to lift."""


class Heartbeat(_Message):
    """Topic `hb`. `boot` is new at each start of the host. Each order that is not obeyed is answered by one."""

    kind: Literal["hb"] = "hb"
    device: str
    boot: str
    epoch: int
    ledger: str
    """As in `State`."""
    journal: str
    """Who holds the device, or held it last: 0 and empty before the first."""
    free: bool
    """That one has left in order, or there was none."""
    state: DeviceState
    detail: str = ""
    safe_requests: tuple[str, ...] = ()
    """These as in `State`."""


class Ack(_Message):
    """Topic `ack`: accepted, or refused and nothing will happen, also not by a late copy. `reason` is stable:
    `outranked` (other records hold the device), `stale_epoch`, `stale_seq`, `expired`, `retained`, `busy`, `safe`, `bad_args`, `unknown_action`, `disconnected`,
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
    (with outcome), `settled`: it was interrupted and the device was asked, or `forgotten`: it was sent to a host with
    another ledger, so nobody can know here (and now refused for ever)."""

    kind: Literal["query_reply"] = "query_reply"
    device: str
    id: str
    status: Literal["never_seen", "running", "ended", "settled", "forgotten"]
    outcome: Outcome | None = None
    settlement: Settlement | None = None


class Telemetry(_Message):
    """Topic `data/<channel>`, QoS 0: pairs of Unix time on the host's process clock and value in `unit`, oldest first.

    Process clocks begin with their processes, and each goes on steadily whatever happens to the wall clock. So `samples`
    tells the order and the distances of values within one `boot`, and `sent_at` how old the last one is elsewhere. Not
    one of `Upstream`, as it says nothing of commands. Parse it with `Telemetry.model_validate_json`.
    """

    kind: Literal["telemetry"] = "telemetry"
    device: str
    boot: str
    channel: str
    unit: str
    sent_at: float
    """Unix time of the last sample on the host's real clock, as in a command (process clock when virtual)."""
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
