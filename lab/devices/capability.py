"""The capability contracts: what an SOP may ask for, with units, effect and settlement of each action.

A number on the wire is always in the unit given here; SOPs may write any unit of the same dimension.
"""

from __future__ import annotations

from lab.domain.action import ActionSpec, ArgSpec, CapabilitySpec, OutputSpec

__all__ = ["CAPABILITIES", "action_spec"]


def _quantity(
    unit: str,
    minimum: float | None = None,
    maximum: float | None = None,
    default: float | None = None,
    description: str = "",
) -> ArgSpec:
    return ArgSpec(
        kind="quantity",
        unit=unit,
        minimum=minimum,
        maximum=maximum,
        default=default,
        required=default is None,
        description=description,
    )


_LIGHT_CHANNELS = (410, 440, 470, 510, 550, 583, 620, 670)

_SPECS = (
    CapabilitySpec(
        name="liquid_dosing",
        description="Moves a volume of one liquid from where it is drawn to where the line ends.",
        actions={
            "dispense": ActionSpec(
                description="Deliver a volume at a rate; returns when it is delivered.",
                effect="once",
                settle="query",
                args={
                    "volume": _quantity("mL", 0.0, None, description="volume to deliver"),
                    "rate": _quantity("mL/min", 0.0, None, 10.0, "flow rate"),
                },
                outputs={"volume": OutputSpec(unit="mL", description="volume delivered")},
                duration_s=60.0,
                doses="volume",
            ),
        },
    ),
    CapabilitySpec(
        name="weighing",
        description="Measures mass.",
        actions={
            "tare": ActionSpec(
                description="Set the present load to zero.", effect="absolute", duration_s=5.0
            ),
            "weigh": ActionSpec(
                description="Stable net mass.",
                effect="none",
                outputs={
                    "mass": OutputSpec(unit="g", description="stable net mass"),
                    "mass_sd": OutputSpec(unit="g", description="standard uncertainty"),
                },
                duration_s=6.0,
            ),
        },
    ),
    CapabilitySpec(
        name="heating_stirring",
        description="Heats and stirs a vessel.",
        actions={
            "stir": ActionSpec(
                description="Stir at a speed; 0 rpm stops.",
                effect="absolute",
                args={"speed": _quantity("rpm", 0.0, 1500.0)},
                outputs={"speed": OutputSpec(unit="rpm", description="measured speed")},
                duration_s=8.0,
                stirs="speed",
            ),
            "heat": ActionSpec(
                description="Bring the medium to a temperature and return when it is within tolerance.",
                effect="absolute",
                args={
                    "temperature": _quantity("degC", 0.0, 310.0),
                    "tolerance": _quantity("delta_degC", 0.05, 20.0, 0.5),
                },
                outputs={
                    "temperature": OutputSpec(unit="degC", description="measured in the medium")
                },
                duration_s=300.0,
                heats="temperature",
            ),
            "stop": ActionSpec(
                description="Heater and motor off.", effect="absolute", duration_s=2.0
            ),
        },
    ),
    CapabilitySpec(
        name="conductivity",
        description="Measures the electrolytic conductivity of the liquid around a probe.",
        actions={
            "measure": ActionSpec(
                description="Mean of several readings, compensated to the given temperature.",
                effect="none",
                args={
                    "readings": ArgSpec(
                        kind="integer", minimum=1, maximum=100, default=5, required=False
                    ),
                },
                outputs={
                    "conductivity": OutputSpec(unit="mS/cm", description="mean of the readings"),
                    "conductivity_sd": OutputSpec(
                        unit="mS/cm", description="standard deviation of the mean"
                    ),
                },
                duration_s=10.0,
            ),
        },
    ),
    CapabilitySpec(
        name="ph",
        description="Measures the pH of the liquid around an electrode, and is calibrated in buffers.",
        actions={
            "measure": ActionSpec(
                description="Mean of several readings, compensated for the given temperature.",
                effect="none",
                args={
                    "readings": ArgSpec(
                        kind="integer", minimum=1, maximum=100, default=5, required=False
                    ),
                    "temperature": _quantity(
                        "degC", -5.0, 110.0, 25.0, "temperature that the liquid has"
                    ),
                },
                outputs={
                    "ph": OutputSpec(unit="dimensionless", description="mean of the readings"),
                    "ph_sd": OutputSpec(
                        unit="dimensionless", description="standard deviation of the mean"
                    ),
                },
                duration_s=8.0,
            ),
            "calibrate": ActionSpec(
                description=(
                    "Take what the electrode feels now for a buffer's pH. `mid` first: it clears the other points."
                ),
                effect="absolute",
                args={
                    "point": ArgSpec(
                        kind="choice",
                        choices=("low", "mid", "high"),
                        description="mid: near pH 7; low and high: below and above it",
                    ),
                    "value": _quantity(
                        "dimensionless",
                        0.0,
                        14.0,
                        description="certified pH of the buffer at its temperature",
                    ),
                    "temperature": _quantity(
                        "degC", -5.0, 110.0, 25.0, "temperature that the buffer has"
                    ),
                },
                outputs={
                    "slope": OutputSpec(
                        unit="percent",
                        description=(
                            "slope of the electrode on that side of `mid`, of the theoretical one; 100 while unknown"
                        ),
                    )
                },
                duration_s=8.0,
            ),
            "clear_calibration": ActionSpec(
                description="Forget all points: from now on the electrode counts as ideal.",
                effect="absolute",
                duration_s=3.0,
            ),
        },
    ),
    CapabilitySpec(
        name="light_mixing",
        description="Shines a mixture of red, green and blue light and reads its spectrum.",
        actions={
            "measure_spectrum": ActionSpec(
                description="Set the three LEDs, read eight channels, switch the LEDs off.",
                effect="none",
                args={
                    "red": _quantity("dimensionless", 0.0, 255.0),
                    "green": _quantity("dimensionless", 0.0, 255.0),
                    "blue": _quantity("dimensionless", 0.0, 255.0),
                    "integration_steps": ArgSpec(
                        kind="integer", minimum=0, maximum=255, default=100, required=False
                    ),
                },
                outputs={
                    f"ch{wavelength}": OutputSpec(unit="count", description=f"{wavelength} nm")
                    for wavelength in _LIGHT_CHANNELS
                },
                duration_s=3.0,
            ),
        },
    ),
    CapabilitySpec(
        name="liquid_handling",
        description="Pipettes stock liquids into the wells of a plate.",
        actions={
            "dose_well": ActionSpec(
                description="Transfer a volume of each stock into one well and mix.",
                effect="once",
                settle="query",
                args={
                    "well": ArgSpec(kind="text", description="target well, e.g. B3"),
                    "volumes": ArgSpec(
                        kind="volumes", unit="uL", description="stock name -> volume"
                    ),
                },
                outputs={"volume": OutputSpec(unit="uL", description="total volume delivered")},
                duration_s=60.0,
                doses="volumes",
            ),
        },
    ),
    CapabilitySpec(
        name="absorbance",
        description="Measures the absorbance of one well at given wavelengths.",
        actions={
            "read_well": ActionSpec(
                description="Absorbance at up to four wavelengths.",
                effect="none",
                args={
                    "well": ArgSpec(kind="text", description="well to read, e.g. B3"),
                    **{
                        f"wavelength_{n}": _quantity("nm", 350.0, 800.0, default)
                        for n, default in enumerate((450.0, 520.0, 630.0), start=1)
                    },
                },
                outputs={
                    f"absorbance_{n}": OutputSpec(
                        unit="dimensionless", description=f"at wavelength_{n}"
                    )
                    for n in (1, 2, 3)
                },
                duration_s=8.0,
            ),
        },
    ),
)

CAPABILITIES: dict[str, CapabilitySpec] = {spec.name: spec for spec in _SPECS}
"""Capability name -> contract."""


def action_spec(capability: str, action: str) -> ActionSpec:
    """The contract of one action. KeyError where there is no such capability or action."""
    return CAPABILITIES[capability].actions[action]
