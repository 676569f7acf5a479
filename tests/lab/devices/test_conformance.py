"""The conformance suite praises a good driver and names each fault of the bad ones."""

from __future__ import annotations

import pytest

from lab.devices.conformance import check_driver
from lab.devices.driver import DeviceError, Identity
from lab.devices.manifest import Manifest
from lab.domain.command import Settlement

GOOD = {
    "driver": "good_pump",
    "version": "1.0.0",
    "title": "Good pump",
    "manufacturer": "Nobody",
    "models": ["G1"],
    "capabilities": ["liquid_dosing", "weighing"],
    "entry": f"{__name__}:GoodDriver",
    "simulator": "simulators.good:GoodSimulator",
    "connection": "stream",
    "serial": "baud=9600",
    "safe_state": "the plunger stands still",
    "telemetry": {"pressure": "bar"},
    # All codes that this module raises: its drivers share it.
    "errors": {"stall": "the plunger stalled: look at the syringe", "surprise": "boo"},
    "sources": ["a manual"],
}


class GoodDriver:
    """A pump on a balance."""

    def __init__(self, context) -> None:
        self.context = context

    async def connect(self) -> Identity:
        """Open."""
        return Identity("Nobody", "G1")

    async def disconnect(self) -> None:
        """Close."""

    async def make_safe(self) -> None:
        """Stop."""
        self.context = None

    async def settle(self, command) -> Settlement:
        """Ask."""
        return Settlement(verdict="unknown")

    async def read_telemetry(self):
        """Read."""
        return {"pressure": 1.0}

    async def dispense(self, act, *, volume: float, rate: float = 10.0):
        """Deliver."""
        return await self._deliver(act, volume / rate)

    async def tare(self, act):
        """Zero."""
        return {}

    async def weigh(self, act):
        """Weigh."""
        return {"mass": 1.0, "mass_sd": 0.1}

    async def _deliver(self, act, volume: float):
        if volume < 0:
            raise DeviceError("stall", "stuck", effect="partial")
        await act.begin()
        return {"volume": volume}


def check(kind: type = GoodDriver, **changes) -> list[str]:
    entry = f"{kind.__module__}:{kind.__qualname__}"
    return check_driver(Manifest.model_validate(GOOD | {"entry": entry} | changes), kind)


def test_a_good_driver_has_no_findings():
    assert check() == []


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"driver": "Good Pump"}, "lower case"),
        ({"version": "1"}, "like 1.0.0"),
        ({"title": " "}, "title is empty"),
        ({"safe_state": ""}, "safe_state is empty"),
        ({"models": []}, "models is empty"),
        ({"sources": []}, "sources is empty"),
        ({"entry": "elsewhere:GoodDriver"}, "entry is 'elsewhere:GoodDriver'"),
        ({"simulator": "simulators.good"}, "must be module:Class"),
        ({"limits": "drivers.good"}, "must be module:function"),
        ({"durations": "drivers.good"}, "must be module:function"),
        ({"connection": "usb"}, "stream, http or mqtt"),
        ({"connection": "http"}, "no meaning for connection http"),
        ({"serial": "baud=fast"}, "baud=fast"),
        ({"serial": "baud=9600&parity=E&bytesize=7"}, "tcp_only_simulator"),
        ({"telemetry": {"pressure": ""}}, "needs a plain name and a unit"),
        ({"safe_action": False}, "safe_action is false, but make_safe does something"),
        ({"errors": {}}, "errors is empty"),
        ({"errors": {"stall": "", "surprise": "x"}}, "needs a plain name and a meaning"),
        ({"errors": {"other": "x"}}, "'stall' is raised but not listed"),
        ({"capabilities": []}, "capabilities is empty"),
        ({"capabilities": ["liquid_dosing", "flying"]}, "no capability 'flying'"),
        ({"capabilities": ["liquid_dosing", "liquid_dosing"]}, "both have an action 'dispense'"),
        ({"capabilities": ["conductivity"]}, "measure: is missing; conductivity asks for it"),
    ],
)
def test_what_is_wrong_with_a_manifest_is_named(changes, says):
    findings = check(**changes)
    assert any(says in finding for finding in findings), findings


class NothingToMakeSafe(GoodDriver):
    """Only measures."""

    async def make_safe(self) -> None:
        """Nothing to do."""


def test_a_driver_without_a_safe_action_says_so():
    [finding] = check(NothingToMakeSafe)
    assert "make_safe does nothing" in finding
    assert check(NothingToMakeSafe, safe_action=False) == []


class Undocumented(GoodDriver):
    __doc__ = None


class NoArguments(GoodDriver):
    """Made of nothing."""

    def __init__(self) -> None: ...


class TwoArguments(GoodDriver):
    """Made of two."""

    def __init__(self, context, port) -> None: ...


class NotAsync(GoodDriver):
    """Blocks."""

    def weigh(self, act):
        """Weigh."""

    def connect(self):
        """Open."""


class ForgetsArguments(GoodDriver):
    """Doses what it likes."""

    async def dispense(self, act):
        """Deliver."""
        await act.begin()


class OtherArguments(GoodDriver):
    """Says it in its own words."""

    async def dispense(self, act, *, volume_ml: float, rate: float = 10.0):
        """Deliver."""
        await act.begin()


class OtherDefault(GoodDriver):
    """Faster than agreed."""

    async def dispense(self, act, *, volume: float, rate: float = 20.0):
        """Deliver."""
        await act.begin()


class NoDefault(GoodDriver):
    """Wants it all."""

    async def dispense(self, act, *, volume: float, rate: float):
        """Deliver."""
        await act.begin()


class DefaultForRequired(GoodDriver):
    """Doses a bit when nobody says how much."""

    async def dispense(self, act, *, volume: float = 1.0, rate: float = 10.0):
        """Deliver."""
        await act.begin()


class Positional(GoodDriver):
    """Mixes up volume and rate."""

    async def dispense(self, act, volume: float, rate: float = 10.0):
        """Deliver."""
        await act.begin()


class TakesAnything(GoodDriver):
    """Does not look."""

    async def dispense(self, act, **arguments):
        """Deliver."""
        await act.begin()


class NoAct(GoodDriver):
    """Reports nothing."""

    async def weigh(self):
        """Weigh."""


class NeverBegins(GoodDriver):
    """A crash would double its doses."""

    async def dispense(self, act, *, volume: float, rate: float = 10.0):
        """Deliver."""
        return {"volume": volume}


class CanNotSettle(GoodDriver):
    """Leaves it to others."""

    async def settle(self, command):
        """Not yet."""
        raise NotImplementedError


class CanNotBeMadeSafe(GoodDriver):
    """Leaves the heater on."""

    async def make_safe(self) -> None:
        """Not yet."""
        raise NotImplementedError


class SettlesWithoutCommand(GoodDriver):
    """Which one?"""

    async def settle(self):
        """Ask."""


class OtherError(GoodDriver):
    """Raises what nobody listed."""

    async def tare(self, act):
        raise DeviceError("surprise", "boo")


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        (Undocumented, "the class has no docstring"),
        (NoArguments, "made with one argument, the DriverContext"),
        (TwoArguments, "made with one argument, the DriverContext"),
        (NotAsync, "weigh: must be `async def`"),
        (NotAsync, "connect: must be `async def`"),
        (ForgetsArguments, "dispense: has no argument 'volume' (mL)"),
        (OtherArguments, "dispense: has an argument 'volume_ml' that the contract does not know"),
        (OtherDefault, "dispense: rate has the default 20.0, the contract says 10.0"),
        (NoDefault, "dispense: rate needs the contract's default, 10.0"),
        (DefaultForRequired, "dispense: volume has a default, but the contract requires it"),
        (Positional, "dispense: volume must be keyword-only"),
        (TakesAnything, "dispense: must name its arguments instead of *arguments"),
        (NoAct, "weigh: must take the act first"),
        (NeverBegins, "dispense: acts once, but never awaits act.begin()"),
        (CanNotSettle, "settle: only raises"),
        (CanNotBeMadeSafe, "make_safe: only raises"),
        (SettlesWithoutCommand, "settle: takes (), must take (command)"),
        (OtherError, "tare: has no docstring"),
    ],
)
def test_what_is_wrong_with_a_driver_is_named(kind, says):
    findings = check(kind)
    assert any(says in finding for finding in findings), findings


def test_a_method_that_is_missing_is_named():
    class Headless:
        """Nothing."""

        def __init__(self, context) -> None: ...

    findings = check(Headless)
    for name in ("connect", "disconnect", "make_safe", "settle", "read_telemetry", "dispense"):
        assert any(finding.startswith(f"{name}: is missing") for finding in findings)
