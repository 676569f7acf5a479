"""The simulated room: a pot, machines that act in it, and what they did, whatever the software believes.

A machine is one small state machine behind a line. Its frames are `<number> <words> <checksum>` and a line feed; every
request is answered by a frame of the same number:

  ID            who it is                    C        set the counter of doses to zero
  D <uL>        begin a dose                 N        the counter, what was delivered, whether it moves; `?` after a reboot
  X             stand still                  W        weigh
  T <degC>      set the heater               L        1 while the lid is closed
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lab.devices.line import TerminatedLines
from lab.devices.receive_buffer import ReceiveBuffer
from lab.devices.stream import StreamClosedError

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Sequence

    from lab.faults.knobs import RoomKnobs
    from lab.faults.loop import SimulationLoop
    from lab.faults.story import Story

__all__ = ["Act", "Cable", "Machine", "Room", "frame", "unframe"]

_BYTES_S = 0.004


def frame(text: str) -> bytes:
    """A text with its checksum, as on the wire."""
    return f"{text} {zlib.crc32(text.encode()) & 0xFFFF:04x}\n".encode()


def unframe(line: bytes) -> str | None:
    """The text of a frame (without its line feed); None where the checksum does not fit."""
    text, _, digest = line.decode("ascii", "replace").rpartition(" ")
    return text if digest == f"{zlib.crc32(text.encode()) & 0xFFFF:04x}" else None


@dataclass(slots=True)
class Act:
    """A dose that began. `volume` (uL) names the step that asked for it, as every step has its own."""

    at_s: float
    device: str
    volume: int
    rows: int
    """How many rows were durable in that moment."""
    lid_open_s: float
    """For how long the lid had been open; 0 while it was closed."""
    delivered: float = 0.0


@dataclass(slots=True)
class Room:
    """Everything physical. `durable` tells how many journal rows there are."""

    loop: SimulationLoop
    rng: random.Random
    knobs: RoomKnobs
    story: Story
    durable: Sequence[object]
    ul_per_s: float = 500.0
    acts: list[Act] = field(default_factory=list[Act])
    weighed: list[float] = field(default_factory=list[float])
    machines: dict[str, Machine] = field(default_factory=dict[str, "Machine"])
    pot_ul: float = 0.0
    fullest_ul: float = 0.0
    lid_open_since: float | None = None
    calm: bool = False

    def machine(self, name: str, *, draws: bool = False) -> Machine:
        """The machine of that name; `draws`: its doses leave the pot."""
        if name not in self.machines:
            self.machines[name] = Machine(self, name, draws=draws)
        return self.machines[name]

    def chance(self, share: float) -> bool:
        """Does it happen this time?"""
        return not self.calm and share > 0.0 and self.rng.random() < share

    def pour(self, volume: float) -> None:
        """Into the pot, or out of it."""
        self.pot_ul = max(0.0, self.pot_ul + volume)
        self.fullest_ul = max(self.fullest_ul, self.pot_ul)

    def acts_of(self, volume: int) -> list[Act]:
        """What was done for the step of that volume."""
        return [act for act in self.acts if act.volume == volume]


class Machine:
    """One device. It outlives every process."""

    def __init__(self, room: Room, name: str, *, draws: bool) -> None:
        self.name = name
        self.heater_c = 0.0
        self.heated: list[tuple[float, float]] = []
        """When the heater was set to what (degC)."""
        self.hung_until = 0.0
        self._room = room
        self._draws = draws
        self._count: int | None = None
        self._act: Act | None = None
        self._began_s = 0.0
        self._goal_ul = 0.0
        self._moved_ul = 0.0
        """Into or out of the pot by the present dose, counted when it begins."""
        self.cable: Cable | None = None

    # -- what happens to it -----------------------------------------------------------------------

    def reboot(self) -> None:
        """Stands still, and knows nothing of before."""
        self._room.story.tell(self.name, "reboots")
        self._halt()
        self._count = None
        self._heat(0.0)

    def hang(self, seconds: float) -> None:
        """Answers nothing for so long; then everything that was asked."""
        self._room.story.tell(self.name, f"hangs for {seconds:.1f} s")
        self.hung_until = self._room.loop.time() + seconds

    @property
    def moving(self) -> bool:
        """A dose is under way."""
        return self._act is not None and self._delivered() < self._goal_ul

    def finish(self) -> None:
        """Settle the books of a dose that has ended by itself."""
        if self._act is not None:
            self._act.delivered = self._delivered()

    # -- its protocol -----------------------------------------------------------------------------

    def answer(self, text: str) -> str | None:
        """The reply to a whole frame; None for what it doesn't understand."""
        number, _, words = text.partition(" ")
        verb, _, argument = words.partition(" ")
        match verb:
            case "ID":
                said = f"bench machine {self.name}"
            case "C":
                said = "OK" if self._clear() else "BUSY"
            case "D":
                said = "OK" if self._dose(int(argument)) else "BUSY"
            case "N":
                said = self._counter()
            case "X":
                self._halt()
                said = "OK"
            case "W":
                said = self._weigh()
            case "T":
                self._heat(float(argument))
                said = "OK"
            case "L":
                said = "1" if self._room.lid_open_since is None else "0"
            case _:
                return None
        return f"{number} {said}"

    def _heat(self, temperature: float) -> None:
        self.heater_c = temperature
        self.heated.append((self._room.loop.time(), temperature))

    def _clear(self) -> bool:
        if self.moving:
            return False
        self.finish()
        self._act, self._count = None, 0
        return True

    def _dose(self, volume: int) -> bool:
        room = self._room
        if self.moving:
            return False
        self.finish()
        now = room.loop.time()
        since = room.lid_open_since
        self._act = Act(
            at_s=now,
            device=self.name,
            volume=volume,
            rows=len(room.durable),
            lid_open_s=0.0 if since is None else now - since,
        )
        room.acts.append(self._act)
        room.story.tell(self.name, f"doses {volume} uL")
        self._began_s = now
        self._goal_ul = float(volume)
        self._count = None if self._count is None else self._count + 1
        if room.chance(room.knobs.early_ends):
            self._goal_ul = round(volume * room.rng.random(), 1)
            room.story.tell(self.name, f"will end early, at {self._goal_ul:.0f} uL")
        self._moved_ul = min(self._goal_ul, room.pot_ul) if self._draws else self._goal_ul
        self._pour(self._moved_ul)
        return True

    def _pour(self, volume: float) -> None:
        self._room.pour(-volume if self._draws else volume)

    def _delivered(self) -> float:
        return min(self._goal_ul, (self._room.loop.time() - self._began_s) * self._room.ul_per_s)

    def _halt(self) -> None:
        if self._act is not None:
            delivered = self._delivered()
            if delivered < self._goal_ul:
                self._room.story.tell(self.name, f"stops at {delivered:.0f} uL")
                moved = min(delivered, self._moved_ul)
                self._pour(moved - self._moved_ul)
                self._moved_ul = moved
            self._goal_ul = delivered
            self._act.delivered = delivered

    def _counter(self) -> str:
        if self._count is None:
            return "?"
        if self._act is None:
            return f"{self._count} 0 0"
        return f"{self._count} {self._delivered():.3f} {int(self.moving)}"

    def _weigh(self) -> str:
        room = self._room
        if room.chance(room.knobs.nonsense):
            said = room.rng.choice(("nan", "inf", repr(-1e300 * (len(room.weighed) + 1))))
            room.weighed.append(float(said))
            return said
        # No two weighings are equal, so that each can be found again in the records.
        value = 1.0 + round(len(room.weighed) * 1e-4, 6)
        room.weighed.append(value)
        return f"{value!r}"


class Cable:
    """A driver's end of the line to a machine; fulfils `lab.devices.stream.ByteStream`. A new one ends the old."""

    def __init__(self, room: Room, machine: Machine) -> None:
        if machine.cable is not None:
            machine.cable.cut("the port was opened again")
        machine.cable = self
        self._room = room
        self._machine = machine
        self._there = TerminatedLines(b"\n")
        self._here = ReceiveBuffer()
        self._gone = ""

    def cut(self, reason: str) -> None:
        """The port vanishes."""
        self._gone = self._gone or reason
        self._here.end(reason)

    async def read(self) -> bytes:
        """At least one byte."""
        return await self._here.read()

    async def write(self, data: bytes) -> None:
        """Towards the machine, as well as the line can."""
        if self._gone:
            raise StreamClosedError(self._gone)
        self._after(self._arrive, self._spoil(data))

    async def close(self) -> None:
        """Free the port."""
        self._gone = self._gone or "closed"
        self._here.clear()
        self._here.end("the line was closed here")

    def _arrive(self, data: bytes) -> None:
        if not self._gone:
            self._take(data)

    def _take(self, data: bytes) -> None:
        """What has reached a machine that hangs is taken when it wakes, the port closed or not."""
        late = self._machine.hung_until - self._room.loop.time()
        if late > 0:
            self._after(self._take, data, late)
            return
        for line in self._there.feed(data):
            text = unframe(line)
            said = None if text is None else self._machine.answer(text)
            if said is not None:
                self._after(self._back, self._spoil(frame(said)))

    def _back(self, data: bytes) -> None:
        if not self._gone:
            self._here.feed(data)

    def _after(self, call: Callable[[bytes], None], data: bytes, delay: float = _BYTES_S) -> None:
        loop = self._room.loop
        if data:
            loop.world.context.run(loop.call_later, delay, call, data)

    def _spoil(self, data: bytes) -> bytes:
        room = self._room
        if not room.chance(room.knobs.garbles):
            return data
        match room.rng.randrange(5):
            case 0:  # a byte is another
                where = room.rng.randrange(len(data))
                return data[:where] + bytes([room.rng.randrange(128)]) + data[where + 1 :]
            case 1:  # the end is missing
                return data[: room.rng.randrange(len(data))]
            case 2:  # noise before it
                return bytes(room.rng.randrange(256) for _ in range(5)) + data
            case 3:  # an echo
                return data + data
            case _:  # nothing comes
                return b""
