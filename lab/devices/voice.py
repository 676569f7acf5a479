"""What a device host says, message by message, on the topics of its device."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from lab.bus import topics
from lab.bus.envelope import (
    Ack,
    Description,
    Heartbeat,
    OutcomeMessage,
    ProgressMessage,
    QueryReply,
    SafeReply,
    State,
    Telemetry,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pydantic import JsonValue

    from lab.bus.envelope import DeviceState
    from lab.devices.driver import Identity
    from lab.devices.ledger import Claim
    from lab.devices.manifest import Manifest
    from lab.devices.outbox import Outbox
    from lab.domain.action import CapabilitySpec
    from lab.domain.command import Outcome, Settlement

__all__ = ["Voice"]


class Voice:
    """Posts to an outbox; none of its methods waits or fails for the transport's sake."""

    def __init__(
        self, lab: str, device: str, outbox: Outbox, *, ledger: str, simulated: bool = False
    ) -> None:
        self._lab = lab
        self._ledger = ledger
        self._device = device
        self._outbox = outbox
        self._simulated = simulated
        self._last_state: State | None = None
        self._last_beat: tuple[tuple[object, ...], bytes] = ((), b"")
        """What was told, and its text: nearly always the same as a second ago."""

    def describe(
        self, manifest: Manifest, specs: Sequence[CapabilitySpec], identity: Identity | None
    ) -> None:
        """The retained description; without an identity while the device has not been reached yet."""
        description = Description(
            device=self._device,
            driver=manifest.driver,
            driver_version=manifest.version,
            manufacturer=identity.manufacturer if identity else manifest.manufacturer,
            model=identity.model if identity else ", ".join(manifest.models),
            serial_number=identity.serial_number if identity else "",
            firmware=identity.firmware if identity else "",
            simulated=self._simulated or (identity is not None and identity.simulated),
            capabilities=list(specs),
            safe_state=manifest.safe_state,
            telemetry=dict(manifest.telemetry),
        )
        self._outbox.post(topics.desc(self._lab, self._device), description, retain=True)

    def state(self, state: DeviceState, detail: str, safe_requests: tuple[str, ...]) -> None:
        """The retained state, said when it changes."""
        news = State(
            device=self._device,
            ledger=self._ledger,
            state=state,
            detail=detail,
            safe_requests=safe_requests,
        )
        if news != self._last_state:
            self._last_state = news
            self._outbox.post(topics.state(self._lab, self._device), news, retain=True)

    def forget_state(self) -> None:
        """Say the state again, changed or not."""
        self._last_state = None

    def heartbeat(
        self,
        boot: str,
        holder: Claim,
        state: DeviceState,
        detail: str,
        safe_requests: tuple[str, ...],
    ) -> None:
        """I live."""
        told = (boot, holder, state, detail, safe_requests)
        if told != self._last_beat[0]:
            beat = Heartbeat(
                device=self._device,
                boot=boot,
                ledger=self._ledger,
                journal=holder.journal,
                epoch=holder.epoch,
                free=holder.free,
                state=state,
                detail=detail,
                safe_requests=safe_requests,
            )
            self._last_beat = told, beat.model_dump_json().encode()
        topic = topics.hb(self._lab, self._device)
        self._outbox.post(topic, self._last_beat[1], qos=0, droppable=True)

    def accepted(self, command_id: str) -> None:
        """It will be done, or is."""
        self._ack(Ack(device=self._device, id=command_id, accepted=True))

    def refused(self, command_id: str, reason: str, detail: str) -> None:
        """Nothing will happen."""
        self._ack(
            Ack(device=self._device, id=command_id, accepted=False, reason=reason, detail=detail)
        )

    def progress(self, command_id: str, values: Mapping[str, JsonValue]) -> None:
        """Intermediate values."""
        message = ProgressMessage(device=self._device, id=command_id, values=dict(values))
        self._outbox.post(topics.evt(self._lab, self._device), message, droppable=True)

    def outcome(self, command_id: str, outcome: Outcome) -> None:
        """How a command ended."""
        self._event(OutcomeMessage(device=self._device, id=command_id, outcome=outcome))

    def query_reply(
        self,
        command_id: str,
        status: Literal["never_seen", "running", "ended", "settled", "forgotten"],
        *,
        outcome: Outcome | None = None,
        settlement: Settlement | None = None,
    ) -> None:
        """What is known of a command."""
        self._event(
            QueryReply(
                device=self._device,
                id=command_id,
                status=status,
                outcome=outcome,
                settlement=settlement,
            )
        )

    def safe_reply(self, request_id: str, *, confirmed: bool, detail: str = "") -> None:
        """Whether the device is in its safe state."""
        self._event(
            SafeReply(device=self._device, id=request_id, confirmed=confirmed, detail=detail)
        )

    def telemetry(
        self, boot: str, channel: str, unit: str, value: float, *, at: float, sent_at: float
    ) -> None:
        """One live value of this moment: Unix time `at` on the process clock, `sent_at` on the real one."""
        batch = Telemetry(
            device=self._device,
            boot=boot,
            channel=channel,
            unit=unit,
            sent_at=sent_at,
            samples=[(at, value)],
        )
        topic = topics.data(self._lab, self._device, channel)
        self._outbox.post(topic, batch, qos=0, droppable=True)

    def _ack(self, ack: Ack) -> None:
        self._outbox.post(topics.ack(self._lab, self._device), ack)

    def _event(self, event: OutcomeMessage | QueryReply | SafeReply) -> None:
        self._outbox.post(topics.evt(self._lab, self._device), event)
