"""`manifest.yaml` of a driver: what it drives, which contracts it fulfils, how it is made safe."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["Manifest"]


class Manifest(BaseModel):
    """The file beside each driver, read by the registry and by the conformance suite."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    driver: str
    """The folder's name, e.g. `new_era_ne1000`; `lab.yaml` refers to it."""
    version: str
    title: str
    manufacturer: str
    models: tuple[str, ...]
    capabilities: tuple[str, ...]
    """Names of contracts in `lab.devices.capability`; every action of them is a method of the driver class."""
    entry: str
    """`module:Class`, e.g. `drivers.new_era_ne1000.driver:NE1000`."""
    simulator: str = ""
    """`module:Class` of the simulator, e.g. `simulators.ne1000:NE1000Simulator`."""
    limits: str = ""
    """`module:function` that tells from a device's settings what it can be asked for, see `lab.domain.action.Limits`;
    empty where the contract says it all."""
    durations: str = ""
    """`module:function` that tells from an action's arguments how long it takes, see `lab.domain.action.Durations`;
    empty where only the SOP can tell."""
    connection: str
    """stream, http or mqtt."""
    serial: str = ""
    """Default line settings as a query string, e.g. `baud=19200`."""
    tcp_only_simulator: bool = False
    """True where a pty can't carry the line settings (7-bit or parity)."""
    safe_state: str
    """What `make_safe` brings about, in words an operator reads."""
    safe_action: bool = True
    """False where `make_safe` has nothing to do: the device only measures. Then nothing is to be done either when its
    host hears no more of the engine."""
    telemetry: dict[str, str] = Field(default_factory=dict)
    """Channel -> unit."""
    errors: dict[str, str] = Field(default_factory=dict)
    """Error code -> meaning and what to do."""
    tested_on_hardware: bool = False
    sources: tuple[str, ...] = ()
    """Manuals and documents that the protocol was taken from."""
