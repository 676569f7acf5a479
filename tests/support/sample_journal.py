"""A realistic journal without an engine: an electrolyte campaign through two cells, cut off at a chosen time.

`SampleLab(path)` writes what happened up to `UNTIL_S` (three trials done, one failed, two running); `advance`
appends what happens next, so pages can be seen to grow. All of it follows from one seed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING

from lab.domain import event as ev
from lab.domain.command import Command, Outcome
from lab.domain.ids import command_id, run_id, sha256_text
from lab.domain.plan import (
    Binding,
    Formula,
    Plan,
    PlannedStep,
    ResultSpec,
    RetryPolicy,
    Slot,
)
from lab.records.database import database_url
from lab.records.journal import Journal

if TYPE_CHECKING:
    from pathlib import Path

__all__ = [
    "CAMPAIGN",
    "START",
    "UNTIL_S",
    "SampleLab",
    "make_plan",
    "sample_events",
    "sample_records",
]

CAMPAIGN = "electrolyte-1"
START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
UNTIL_S = 1460.0
"""Process seconds after START at which the sample is cut: trials 1, 2 and 4 done, 3 failed, 5 and 6 running."""

_UNITS = {
    "concentrate_volume": "mL",
    "dilute_volume": "mL",
    "total_volume": "mL",
    "temperature": "degC",
}
_FACTORS = [
    (4.0, 1.0),
    (1.2, 2.4),
    (6.4, 0.6),
    (5.1, 2.1),
    (2.9, 1.6),
    (4.6, 0.2),
    (4.4, 1.3),
    (4.9, 0.9),
]

# step, capability, action, device ({c} = the cell), needs, claims, seconds, effect
_STEPS: list[tuple[str, str, str, str, str, str, str, float, str]] = [
    ("tare", "Tare the balance with the empty pot", "weighing", "tare", "balance", "", "pot", 5, "absolute"),
    ("dose_concentrate", "Dose the concentrated stock", "liquid_dosing", "dispense", "concentrate_pump", "tare", "pot", 40, "once"),
    ("dose_dilute", "Dose the dilute stock", "liquid_dosing", "dispense", "dilute_pump", "tare", "pot", 20, "once"),
    ("dose_solvent", "Fill up with solvent", "liquid_dosing", "dispense", "solvent_pump", "tare", "pot", 60, "once"),
    ("weigh", "Prove the doses by mass", "weighing", "weigh", "balance", "dose_concentrate dose_dilute dose_solvent", "pot", 8, "none"),
    ("transfer", "Move the mixture into the measuring cell", "liquid_dosing", "dispense", "transfer_pump_{c}", "weigh", "pot cell_{c}", 70, "once"),
    ("stir", "Stir", "heating_stirring", "stir", "hotplate_{c}", "transfer", "cell_{c}", 8, "absolute"),
    ("heat", "Bring to temperature", "heating_stirring", "heat", "hotplate_{c}", "stir", "cell_{c}", 360, "absolute"),
    ("measure", "Measure the conductivity", "conductivity", "measure", "probe_{c}", "heat", "cell_{c}", 10, "none"),
    ("stop_stirrer", "Heater and motor off", "heating_stirring", "stop", "hotplate_{c}", "measure", "cell_{c}", 2, "absolute"),
    ("drain", "Empty the cell", "liquid_dosing", "dispense", "drain_pump_{c}", "stop_stirrer", "cell_{c}", 70, "once"),
]  # fmt: skip

_DEVICES = [
    ("concentrate_pump", "new_era_ne1000", "New Era Pump Systems", "NE-1000", "300211"),
    ("dilute_pump", "new_era_ne1000", "New Era Pump Systems", "NE-1000", "300212"),
    ("solvent_pump", "new_era_ne1000", "New Era Pump Systems", "NE-1000", "300213"),
    ("transfer_pump_1", "new_era_ne1000", "New Era Pump Systems", "NE-1000", "300221"),
    ("transfer_pump_2", "new_era_ne1000", "New Era Pump Systems", "NE-1000", "300222"),
    ("drain_pump_1", "new_era_ne1000", "New Era Pump Systems", "NE-1000", "300231"),
    ("drain_pump_2", "new_era_ne1000", "New Era Pump Systems", "NE-1000", "300232"),
    ("balance", "mettler_toledo_sics", "Mettler Toledo", "ME403", "B829414902"),
    ("hotplate_1", "ika_hotplate", "IKA", "RCT digital", "07.112233"),
    ("hotplate_2", "ika_hotplate", "IKA", "RCT digital", "07.112234"),
    ("probe_1", "atlas_ezo_ec", "Atlas Scientific", "EZO EC", "EC-0451"),
    ("probe_2", "atlas_ezo_ec", "Atlas Scientific", "EZO EC", "EC-0452"),
]


def make_plan(factors: tuple[float, float], cell: int) -> Plan:
    """The plan of one sample through the pot and one of the two cells."""
    steps = [
        PlannedStep(
            path=path,
            title=title,
            capability=capability,
            action=action,
            device=device.format(c=cell),
            args={"volume": factors[0], "rate": 20.0} if path == "dose_concentrate" else {},
            needs=tuple(needs.split()),
            claims=tuple(claims.format(c=cell).split()),
            duration_s=seconds,
            timeout_s=5 * seconds + 30,
            retry=RetryPolicy(max_retries=2, delay_s=5.0)
            if path in ("weigh", "measure")
            else RetryPolicy(),
            effect=effect,  # pyright: ignore[reportArgumentType]
        )
        for path, title, capability, action, device, needs, claims, seconds, effect in _STEPS
    ]
    steps.append(
        PlannedStep(
            path="heater_off",
            title="Switch heater and motor off",
            capability="heating_stirring",
            action="stop",
            device=f"hotplate_{cell}",
            duration_s=2,
            timeout_s=30,
            effect="absolute",
            safe_state=True,
        )
    )
    return Plan(
        sop_id="electrolyte_conductivity",
        sop_version="1.0.0",
        sop_sha256=sha256_text("sop"),
        bindings={"balance": "balance", "cell": f"cell_{cell}", "probe": f"probe_{cell}"},
        parameters={
            "concentrate_volume": factors[0],
            "dilute_volume": factors[1],
            "total_volume": 10.0,
            "temperature": 25.0,
        },
        parameter_units=_UNITS,
        stations=("pot", f"cell_{cell}"),
        steps=tuple(steps),
        results=(
            _result("conductivity", "measure.conductivity", "mS/cm"),
            _result("mass", "weigh.mass", "g"),
        ),
    )


def _result(name: str, output: str, unit: str) -> ResultSpec:
    bound = {output: Binding(unit=unit, outputs=(output,))}
    return ResultSpec(name=name, unit=unit, formula=Formula(expression=output, names=bound))


@dataclass
class _Tape:
    """Events with their times; sorted by time, then by the order in which they were noted."""

    entries: list[tuple[float, int, ev.Event]]

    def note(self, at_s: float, event: ev.Event) -> None:
        self.entries.append((at_s, len(self.entries), event))


def _conductivity(concentrate: float, dilute: float) -> float:
    """A hump in mS/cm with its top at 1 mol/L: enough for pictures, no chemistry."""
    molarity = (2.0 * concentrate + 0.5 * dilute) / 10.0
    return 9.13 * math.exp(-(((molarity - 1.0) / 0.75) ** 2))


def _try(
    tape: _Tape,
    run: str,
    step: PlannedStep,
    attempt: int,
    at_s: float,
    took_s: float,
    outcome: Outcome,
) -> None:
    command = Command(
        id=command_id("j1", run, step.path, attempt),
        run=run,
        step=step.path,
        attempt=attempt,
        device=step.device,
        action=step.action,
        args=step.args,
        effect=step.effect,
        settle=step.settle,
        timeout_s=step.timeout_s,
    )
    tape.note(at_s, ev.CommandIntended(command=command))
    tape.note(at_s + 0.05, ev.CommandAccepted(command=command.id, device=step.device))
    tape.note(
        at_s + took_s, ev.CommandEnded(command=command.id, device=step.device, outcome=outcome)
    )


def _run(
    tape: _Tape, number: int, start_s: float, cell_free_s: float, rng: Random
) -> tuple[float, float]:
    """One trial and its run; returns when it left the pot and when it ended."""
    factors = _FACTORS[number - 1]
    run, cell = run_id(CAMPAIGN, number), 1 + (number - 1) % 2
    plan, fails = make_plan(factors, cell), number == 3
    initial = number <= 6
    tape.note(
        start_s - 2.0,
        ev.TrialProposed(
            campaign=CAMPAIGN,
            trial=number,
            factors={"concentrate_volume": factors[0], "dilute_volume": factors[1]},
            origin="sobol" if initial else "bayesian",
            predicted_mean=None if initial else round(_conductivity(*factors) - 0.2, 3),
            predicted_sd=None if initial else 0.31,
            nearest_trial=None if initial else 1,
        ),
    )
    slots, at = [], {"": start_s}
    for step in plan.steps:
        if not step.safe_state:
            begin = max(at[need] for need in (step.needs or ("",)))
            begin = max(begin, cell_free_s) if step.path == "transfer" else begin
            at[step.path] = begin + step.duration_s
            slots.append(
                Slot(
                    run=run,
                    step=step.path,
                    device=step.device,
                    claims=step.claims,
                    start_s=begin,
                    end_s=at[step.path],
                )
            )
    tape.note(
        start_s - 1.0,
        ev.TimelinePlanned(
            campaign=CAMPAIGN, origin=START, reason=f"trial {number} proposed", slots=tuple(slots)
        ),
    )
    tape.note(start_s, ev.RunStarted(campaign=CAMPAIGN, run=run, trial=number, plan=plan))
    ends, pot_free_s, value = {"": start_s}, start_s, _conductivity(*factors)
    for step in plan.steps:
        if step.safe_state:
            continue
        begin = max(ends[need] for need in (step.needs or ("",))) + 0.2
        begin = max(begin, cell_free_s + 0.2) if step.path == "transfer" else begin
        took = step.duration_s * rng.uniform(0.93, 1.12)
        if fails and step.path == "weigh":
            for attempt in (1, 2, 3):
                error = (
                    "the mass differs from the sum of the doses; check the pumps and lines for air"
                )
                done = Outcome(result="succeeded", outputs={"mass": 11.02})
                _try(tape, run, step, attempt, begin, took, done)
                tape.note(
                    begin + took,
                    ev.StepFailed(
                        run=run,
                        step=step.path,
                        attempt=attempt,
                        error=error,
                        retry=attempt < 3,
                        retry_delay_s=5.0,
                    ),
                )
                begin += took + 5.2
            return _fail(
                tape, run, number, plan, begin, "weigh: the mass differs from the sum of the doses"
            )
        outputs: dict[str, float] = {}
        if step.path == "weigh":
            outputs = {"mass": round(12.0 + 0.05 * rng.gauss(0, 1), 4)}
        elif step.path == "measure":
            value = round(value * (1 + 0.004 * rng.gauss(0, 1)), 3)
            outputs = {"conductivity": value, "conductivity_sd": 0.02}
        elif step.path == "heat":
            outputs = {"temperature": round(25 + 0.1 * rng.gauss(0, 1), 2)}
        _try(tape, run, step, 1, begin, took, Outcome(result="succeeded", outputs=dict(outputs)))
        for name, unit in (("mass", "g"), ("temperature", "degC"), ("conductivity", "mS/cm")):
            if name in outputs:
                sd = outputs.get(f"{name}_sd")
                reading = ev.Value(value=outputs[name], unit=unit, standard_deviation=sd)
                tape.note(
                    begin + took,
                    ev.ObservationRecorded(
                        run=run,
                        step=step.path,
                        command=command_id("j1", run, step.path, 1),
                        device=step.device,
                        name=name,
                        value=reading,
                    ),
                )
        tape.note(begin + took, ev.StepSucceeded(run=run, step=step.path, outputs=dict(outputs)))
        ends[step.path] = begin + took
        if step.path == "transfer":
            pot_free_s = begin + took
    end_s = max(ends.values())
    measured = ev.Value(value=value, unit="mS/cm", standard_deviation=0.02)
    tape.note(
        end_s, ev.RunFinished(run=run, outcome="succeeded", results={"conductivity": measured})
    )
    tape.note(
        end_s,
        ev.TrialCompleted(campaign=CAMPAIGN, trial=number, value=value, standard_deviation=0.02),
    )
    return pot_free_s, end_s


def _fail(
    tape: _Tape, run: str, number: int, plan: Plan, at_s: float, reason: str
) -> tuple[float, float]:
    tape.note(at_s, ev.RunStopping(run=run, outcome="failed", reason=reason))
    _try(tape, run, plan.step("heater_off"), 1, at_s, 2.0, Outcome(result="succeeded"))
    tape.note(at_s + 2.0, ev.StepSucceeded(run=run, step="heater_off", outputs={}))
    tape.note(at_s + 2.0, ev.RunFinished(run=run, outcome="failed", reason=reason))
    tape.note(at_s + 2.0, ev.TrialFailed(campaign=CAMPAIGN, trial=number, reason=reason))
    return at_s + 2.0, at_s + 2.0


def sample_events() -> list[tuple[ev.Event, float]]:
    """The whole campaign of eight trials as (event, process seconds after START), in order of time."""
    tape, rng = _Tape([]), Random(7)
    tape.note(0.0, ev.EngineStarted(journal="j1", epoch=1, version="0.1.0", clock="scaled"))
    for name, driver, maker, model, serial in _DEVICES:
        tape.note(
            0.5,
            ev.DeviceDescribed(
                device=name,
                driver=driver,
                driver_version="1.0.0",
                manufacturer=maker,
                model=model,
                serial_number=serial,
                firmware="3.2",
                simulated=True,
            ),
        )
        tape.note(1.0, ev.DeviceStateChanged(device=name, state="ready"))
    tape.note(2.0, _campaign_started())
    pot_free, cell_free, ended = 4.0, {1: 0.0, 2: 0.0}, [0.0, 0.0]
    for number in range(1, len(_FACTORS) + 1):
        cell = 1 + (number - 1) % 2
        start = max(pot_free, ended[-2]) + 3.0
        pot_free, end = _run(tape, number, start, cell_free[cell], rng)
        cell_free[cell] = end
        ended.append(end)
    tape.note(
        max(ended) + 1.0,
        ev.CampaignFinished(
            campaign=CAMPAIGN,
            state="completed",
            reason="the budget of 8 trials is used up",
            best_trial=1,
        ),
    )
    return [
        (event, at_s) for at_s, _order, event in sorted(tape.entries, key=lambda entry: entry[:2])
    ]


def sample_records() -> list[ev.Recorded]:
    """The whole campaign as the journal would hold it, without hashes."""
    return [
        ev.Recorded(seq=seq, epoch=1, at=START + timedelta(seconds=at_s), event=event)
        for seq, (event, at_s) in enumerate(sample_events(), 1)
    ]


def _campaign_started() -> ev.CampaignStarted:
    return ev.CampaignStarted(
        campaign=CAMPAIGN,
        title="Find the best conducting LiPF6 concentration",
        file="campaign.yaml",
        sop_id="electrolyte_conductivity",
        sop_version="1.0.0",
        sop_sha256=sha256_text("sop"),
        lab_id="electrolyte_cell",
        factors=(
            ev.FactorSpec(name="concentrate_volume", unit="mL", minimum=0.5, maximum=7),
            ev.FactorSpec(name="dilute_volume", unit="mL", minimum=0, maximum=3),
        ),
        fixed={"temperature": "25 degC", "total_volume": "10 mL"},
        objective=ev.ObjectiveSpec(
            result="conductivity",
            unit="mS/cm",
            direction="maximize",
            reference=9.130,
            reference_note="Landesfeind and Gasteiger 2019: 9.130 mS/cm at 1.006 mol/L",
            report="salt_concentration",
        ),
        method="bayesian",
        initial=6,
        batch=2,
        trials=8,
        parallel=2,
        seed=1,
    )


class SampleLab:
    """The journal of the sample campaign up to a time, with the means to go on."""

    def __init__(self, path: str | Path, until_s: float = UNTIL_S) -> None:
        self.path = path
        self.journal = Journal(database_url(str(path)))
        self._left = sample_events()
        self.now_s = 0.0
        self.advance(until_s)

    def advance(self, seconds: float) -> list[ev.Recorded]:
        """Append what happens in the next process seconds."""
        self.now_s += seconds
        due = [entry for entry in self._left if entry[1] <= self.now_s]
        self._left = self._left[len(due) :]
        return self.journal.append(
            [(event, START + timedelta(seconds=at_s)) for event, at_s in due]
        )

    def add(self, *events: ev.Event) -> list[ev.Recorded]:
        """Append events of one's own, now."""
        at = START + timedelta(seconds=self.now_s)
        return self.journal.append([(event, at) for event in events])

    def close(self) -> None:
        self.journal.close()
