"""First files for `lab new`: small, complete, and passing `lab check` as they stand.

The SOP, lab and campaign of one name belong together: a pump doses water into a beaker on a balance, and the
campaign looks for the volume at which its relative error is smallest. The driver reads a balance that answers
one line of text; replace its language by your instrument's.
"""

from __future__ import annotations

import re

from lab.domain.errors import InputError
from lab.sop.diagnostics import did_you_mean

__all__ = ["KINDS", "new_files"]

_NAME = re.compile(r"[a-z][a-z0-9_]{0,49}")

_SOP = """\
# yaml-language-server: $schema={schemas}/sop.schema.json
sop_format: 1
id: {name}
title: Dose a volume of water and weigh it
version: "0.1.0"
status: draft
authors:
  - name: Your Name
license: CC-BY-4.0
intended_use: A first procedure to change from. Says how well a pump doses.

parameters:
  volume:
    description: Volume that is dosed
    unit: mL
    minimum: 1 mL
    maximum: 8 mL
    default: 5 mL
    role: factor

materials:
  water:
    name: Water
    role: solvent
    density: 0.998 g/mL
    identifiers: {{cas: 7732-18-5}}

containers:
  beaker:
    description: Small beaker on the balance
    capacity: 20 mL

equipment:
  balance:
    capability: weighing
    at: beaker
  pump:
    capability: liquid_dosing
    draws: water
    into: beaker
  drain_pump:
    capability: liquid_dosing
    draws: beaker
    into: waste

safety:
  supervision: remote

procedure:
  - id: tare
    title: Tare the balance with the empty beaker
    equipment: balance
    action: tare
    duration: 5 s
    timeout: 60 s
  - id: dose
    title: Dose the water
    equipment: pump
    action: dispense
    with:
      volume: ${{volume}}
      rate: 10 mL/min
    duration: 40 s
    timeout: 5 min
  - id: weigh
    title: Weigh the dose
    equipment: balance
    action: weigh
    duration: 8 s
    timeout: 60 s
    on_error:
      retry: 2
    checks:
      - expect: mass > 0.1 g
        message: nothing arrived; check the line for air
  - id: drain
    title: Empty the beaker
    equipment: drain_pump
    action: dispense
    with:
      volume: ${{volume * 1.1}}
      rate: 20 mL/min
    empties: true
    duration: 30 s
    timeout: 5 min

derived:
  expected_mass:
    unit: g
    value: ${{volume * water.density}}

results:
  mass:
    from: weigh.mass
    unit: g
  dose_error:
    description: Relative error of the dose
    value: ${{abs(weigh.mass - expected_mass) / expected_mass}}
    unit: percent
"""

_LAB = """\
# yaml-language-server: $schema={schemas}/lab.schema.json
lab_format: 1
id: {name}_lab
title: One beaker on a balance, two pumps

stations:
  beaker: {{capacity: 20 mL}}
  waste: {{capacity: 1 L, shared: true}}

stock:
  water: {{volume: 500 mL}}

devices:
  pump:
    driver: new_era_ne1000
    url: "sim:"
    draws: water
    into: beaker
    settings: {{syringe_diameter_mm: 26.7, syringe_volume_ml: 50}}
    simulate: {{dose_cv: 0.004}}
  drain_pump:
    driver: new_era_ne1000
    url: "sim:"
    draws: beaker
    into: waste
    settings: {{syringe_diameter_mm: 26.7, syringe_volume_ml: 50}}
  balance:
    driver: mettler_toledo_sics
    url: "sim:"
    at: beaker
    simulate: {{noise_g: 0.0004}}

broker: embedded
database: .lab/{name}.db

simulation:
  chemistry: water
  stock:
    water: {{density: 0.998 g/mL, contents: {{}}}}
"""

_CAMPAIGN = """\
# yaml-language-server: $schema={schemas}/campaign.schema.json
campaign_format: 1
id: {name}
title: Find the volume that the pump doses best
sop: sop.yaml
sop_version: "0.1.0"
lab: lab.yaml

factors:
  volume: {{}}

objective:
  result: dose_error
  direction: minimize
  report: volume

strategy:
  method: bayesian
  initial: 4
  batch: 1
budget:
  trials: 10
  parallel: 1
"""

_MANIFEST = """\
driver: {name}
version: "0.1.0"
title: A balance that answers one line of text
manufacturer: Your maker
models: [Your model]
capabilities: [weighing]
entry: drivers.{name}.driver:{class_name}
connection: stream
serial: baud=9600
safe_state: None needed; a balance moves nothing.
errors:
  bad_reply: The answer was no mass. Check the cable and the line settings.
  refused: The balance refused to tare. Unload the pan and try again.
  not_connected: The line is not open.
tested_on_hardware: false
sources:
  - The manual of your instrument, with its chapter
"""

_WIRE = '''\
"""The balance's language: ASCII lines that end with CR LF, one answer to each.

    I  ->  name of the instrument        T  ->  OK | ERR        W  ->  12.3456 g
"""

from __future__ import annotations

import re

__all__ = ["END_OF_LINE", "IDENTIFY", "TARE", "WEIGH", "decode_mass"]

END_OF_LINE = b"\\r\\n"
IDENTIFY, TARE, WEIGH = b"I\\r\\n", b"T\\r\\n", b"W\\r\\n"
_MASS = re.compile(rb"\\s*([+-]?\\d+(?:\\.\\d+)?)\\s*g")


def decode_mass(line: bytes) -> float:
    """Mass in g of an answer to `W`, without its end of line. ValueError when it is none."""
    match = _MASS.fullmatch(line)
    if match is None:
        raise ValueError(f"not a mass: {{line!r}}")
    return float(match[1])
'''

_DRIVER = '''\
"""Weighs with a balance that answers one line of text (protocol: `wire`)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from drivers.{name} import wire
from lab.devices.driver import DeviceError, Identity
from lab.devices.line import Line, TerminatedLines
from lab.domain.command import Settlement

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lab.devices.driver import Act, DriverContext, Outputs
    from lab.domain.command import Command

__all__ = ["{class_name}"]

_REPLY_S = 5.0
"""Real seconds in which the balance must answer."""
_READABILITY_G = 0.0001
"""The last digit of the display."""


class {class_name}:
    """Fulfils `weighing`."""

    def __init__(self, context: DriverContext) -> None:
        self._context = context
        self._line: Line[bytes] | None = None

    async def connect(self) -> Identity:
        """Open the line and ask who is there."""
        stream = await self._context.connector.stream(self._context.url)
        self._line = Line(stream, TerminatedLines(wire.END_OF_LINE))
        try:
            model = (await self._ask(wire.IDENTIFY)).decode("ascii", "replace")
        except BaseException:
            await self.disconnect()
            raise
        return Identity(manufacturer="Your maker", model=model)

    async def disconnect(self) -> None:
        """Close the line."""
        line, self._line = self._line, None
        if line is not None:
            await line.close()

    async def make_safe(self) -> None:
        """A balance has no unsafe state."""

    async def settle(self, command: Command) -> Settlement:
        """Taring and weighing may always be done again."""
        return Settlement(verdict="not_done", detail=f"{{command.action}} may be repeated")

    async def read_telemetry(self) -> Mapping[str, float]:
        """No channels."""
        return {{}}

    async def tare(self, act: Act) -> Outputs:
        """Set the present load to zero."""
        await act.begin()
        if (reply := await self._ask(wire.TARE)) != b"OK":
            raise DeviceError("refused", f"the balance answered {{reply!r}} to a tare")
        return {{}}

    async def weigh(self, act: Act) -> Outputs:
        """The net mass and its standard uncertainty from rounding, both in g."""
        await act.begin()
        line = await self._ask(wire.WEIGH)
        try:
            mass = wire.decode_mass(line)
        except ValueError as error:
            raise DeviceError("bad_reply", str(error)) from error
        return {{"mass": mass, "mass_sd": _READABILITY_G / math.sqrt(12.0)}}

    async def _ask(self, data: bytes) -> bytes:
        if self._line is None:
            raise DeviceError("not_connected", "the line is not open")
        return await self._line.request(data, _REPLY_S)
'''

_FILES: dict[str, dict[str, str]] = {
    "sop": {"sop.yaml": _SOP},
    "lab": {"lab.yaml": _LAB},
    "campaign": {"campaign.yaml": _CAMPAIGN},
    "driver": {
        "__init__.py": '"""Balances that answer one line of text."""\n',
        "manifest.yaml": _MANIFEST,
        "wire.py": _WIRE,
        "driver.py": _DRIVER,
    },
}

KINDS = tuple(_FILES)
"""What `new_files` can make."""


def new_files(kind: str, name: str, *, schemas: str = "../../schemas") -> dict[str, str]:
    """Relative path (within a folder called `name`) -> text.

    `schemas` is the path from that folder to the JSON Schemas, for the editor's line at the top. InputError
    for an unknown kind, or a name that is not made of small letters, digits and `_`.
    """
    if kind not in _FILES:
        raise InputError(f'there is no template "{kind}"', hint=did_you_mean(kind, KINDS))
    if not _NAME.fullmatch(name):
        raise InputError(
            f'"{name}" can\'t be a name here',
            hint="begin with a small letter; then small letters, digits and _, at most 50",
        )
    class_name = "".join(word.capitalize() for word in name.split("_"))
    return {
        f"{name}/{path}": text.format(name=name, class_name=class_name, schemas=schemas)
        for path, text in _FILES[kind].items()
    }
