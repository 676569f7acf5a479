"""A laboratory that people must serve, played in virtual time: one bottle, one waste vessel, a balance that wants its upkeep
and its calibration. The room keeps books of its own, which know nothing of the engine's tally.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lab.devices.capability import CAPABILITIES
from lab.domain import event as ev
from lab.engine import messages as msg
from lab.engine.timeline import TimelinePlanner
from lab.plan.services import ServiceRules
from lab.sop.check_lab_people import attended_hours
from lab.sop.lab_model import Lab
from tests.lab.engine.kit import plan_of, step
from tests.support.closed_loop import ClosedLoop

if TYPE_CHECKING:
    from collections.abc import Callable

    from lab.domain.plan import Plan

DAY = 86_400.0


def lab_of(**more: Any) -> Lab:
    """`more`: device, stock or station -> its further keys; `attended` as in a lab file."""
    pump = {"driver": "p", "url": "sim:", "draws": ["water"], "into": "cell"}
    drain = {"driver": "p", "url": "sim:", "draws": ["cell"], "into": "waste"}
    return Lab.model_validate(
        {
            "lab_format": 1,
            "id": "served",
            "title": "A laboratory that people serve",
            "stations": {
                "cell": {"capacity": "50 mL"},
                "waste": {"capacity": "5 L", "shared": True, **more.get("waste", {})},
            },
            "stock": {"water": {"volume": "50 mL", **more.get("water", {})}},
            "devices": {
                "pump": {**pump, **more.get("pump", {})},
                "drain": {**drain, **more.get("drain", {})},
                "balance": {"driver": "b", "url": "sim:", **more.get("balance", {})},
            },
            "attended": more.get("attended", []),
        }
    )


def plan_for(volume: float = 10.0, **more: Any) -> Plan:
    """Dose so many mL, weigh for five minutes, drain."""
    dosing: dict[str, Any] = {"capability": "liquid_dosing", "action": "dispense", "effect": "once"}
    args: dict[str, Any] = {"args": {"volume": volume, "rate": 10.0}}
    return plan_of(
        step("dose", "pump", claims=("cell",), duration_s=60.0, timeout_s=3600.0, **dosing, **args),
        step(
            "weigh", "balance", ("dose",), claims=("cell",), duration_s=300.0, timeout_s=3600.0, capability="weighing", action="weigh",
        ),
        step(
            "drain", "drain", ("weigh",), claims=("cell",), draws_from=("cell",), duration_s=60.0, timeout_s=3600.0, **dosing, **args
        ),
        stations=("cell",),
        results=(),
        bindings={"scale": "balance"},
        **more,
    )  # fmt: skip


def rules_of(lab: Lab, **ages: Any) -> ServiceRules:
    return ServiceRules(lab, CAPABILITIES, attended_hours(lab), ages)


def always_done(_question: ev.QuestionAsked) -> tuple[str, float]:
    return "done", 1.0


@dataclass
class ServedLoop(ClosedLoop):
    """People answer each question with `says`: the answer, and after how many times what it takes."""

    rules: ServiceRules | None = None
    says: Callable[[ev.QuestionAsked], tuple[str, float]] = always_done

    def __post_init__(self) -> None:
        super().__post_init__()
        self.context.services = self.rules
        self.context.planner = TimelinePlanner(
            lambda trial: self.context.candidates(trial.number, {}), self.rules
        )

    def _record(self, event: ev.Event) -> None:
        super()._record(event)
        if isinstance(event, ev.QuestionAsked):
            assert self.rules is not None
            answer, share = self.says(event)
            args: dict[str, Any] = {"question": event.question, "answer": answer}
            said = msg.Requested(f"say-{event.question}", "answer", "Ada", "because", args)
            self.later(share * self.rules.needs[event.service].takes_s, said)

    # -- what came out -----------------------------------------------------------------------------

    @property
    def questions(self) -> list[tuple[float, ev.QuestionAsked]]:
        start = self.journal[0][0]
        return [(at - start, e) for at, e in self.journal if isinstance(e, ev.QuestionAsked)]

    def began(self, path: str) -> list[float]:
        """When that step began, of each run in turn."""
        start = self.journal[0][0]
        return [
            at - start
            for at, event in self.journal
            if isinstance(event, ev.CommandIntended) and event.command.step == path
        ]

    def spans(self) -> list[tuple[str, float, float]]:
        """What people were asked for, and from when to when; an open one ends with the journal."""
        start, open_ones = self.journal[0][0], dict[str, tuple[str, float]]()
        found: list[tuple[str, float, float]] = []
        for at, event in self.journal:
            if isinstance(event, ev.QuestionAsked):
                open_ones[event.question] = event.service, at - start
            elif isinstance(event, ev.QuestionAnswered):
                service, since = open_ones.pop(event.question)
                found.append((service, since, at - start))
        end = self.now_s - start
        return found + [(service, since, end) for service, since in open_ones.values()]


def books(loop: ServedLoop, stock_ml: float, waste_ml: float = 5000.0) -> list[str]:
    """Everything that went wrong on the bench, from the journal's commands and answers alone: a bottle that ran dry, a vessel
    that ran over, a device that moved while a person was at it."""
    wrong: list[str] = []
    water, waste = stock_ml, 0.0
    asked: dict[str, str] = {}
    at_work: set[str] = set()
    places = {"stock water": {"pump"}, "station waste": {"drain"}}
    for _, event in loop.journal:
        match event:
            case ev.CommandIntended(command=command):
                at_work.add(command.device)
                volume = command.args.get("volume", 0.0)
                assert isinstance(volume, float)
                if command.device == "pump":
                    water -= volume
                    wrong += [f"{command.run} drew air"] if water < -1e-9 else []
                elif command.device == "drain":
                    waste += volume
                    over = waste > waste_ml + 1e-9
                    wrong += [f"{command.run} made the waste run over"] if over else []
                for service in asked.values():
                    if command.device in places.get(service, {"balance"}):
                        wrong.append(f"{command.device} moved while somebody was at {service}")
            case ev.CommandEnded(device=device):
                at_work.discard(device)
            case ev.QuestionAsked(question=question, service=service):
                asked[question] = service
                if at_work & places.get(service, {"balance"}):
                    wrong.append(f"somebody was sent to {service} while it moved")
            case ev.QuestionAnswered(question=question, answer="done"):
                match asked.pop(question):
                    case "stock water":
                        water = stock_ml
                    case "station waste":
                        waste = 0.0
                    case _:
                        pass
            case ev.QuestionAnswered(question=question):
                del asked[question]
            case _:
                pass
    return wrong
