"""Small SOPs put together at random: well-formed, and right or wrong in what they mean."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.support.small_sops import small_tree, step

if TYPE_CHECKING:
    import random

__all__ = ["random_sop"]

_PUMPS = (
    "water_pot", "acid_pot", "water_cell", "acid_cell", "pot_cell", "cell_pot", "pot_waste", "cell_waste",
)  # fmt: skip
_Choices = tuple[tuple[str, ...], tuple[str, ...]]
"""What is right in its kind, and what never is."""

_VOLUMES: _Choices = (
    (
        "1 mL", "3 mL", "12 mL", "30 mL", "0 mL", "1e-9 mL", "${size * 1 mL}", "${room / size}", "${room * room / 7 mL}",
        "${min(room, 2 mL) * size}", "${w1.mass / acid.density}", "${clamp(w1.mass / acid.density, 1 mL, 2 mL)}",
        "${abs(room - size * 3 mL)}", "${sqrt(room * room)}", "${exp(size) * 1 mL}",
    ),
    (
        "-1 mL", "1 g", "${room - 5 mL}", "${r1.conductivity / 1 mS/cm * 1 mL}", "${mode}", "${1 mL / (size - 1)}", "${well}",
        "${dose}", "${speed * 1 mL / 100 rpm}",
    ),
)  # fmt: skip
_CONDITIONS: _Choices = (
    (
        "${size > 1}",
        "${w1.mass > 2 g}",
        "${r1.conductivity > 1 mS/cm}",
        "${mode == 'quick'}",
        "${size > room / 3 mL}",
    ),
    (
        "${mode == 'slow'}",
        "${m1.clean}",
        "${size}",
        "${mean(r1.conductivity) > 1 mS/cm}",
        "${w1.mass > 90 g}",
    ),
)
_DURATIONS: _Choices = (("0 s", "5 s", "1 min"), ("3 day", "-5 s", "5 mL"))
_TIMEOUTS: _Choices = (("1 min", "2 h"), ("0 s", "soon"))
_TEMPERATURES: _Choices = (
    ("40 degC", "96 degC", "300 K", "${20 degC + size * 30 K}"),
    ("40 K", "900 degC", "warm"),
)
_SPEEDS: _Choices = (("100 rpm", "0 rpm", "${size * 100 rpm}"), ("${speed}", "${size * 1000 rpm}"))
_GROUPS = (
    "acid_nonoxidising",
    "base",
    "cyanide",
    "hypochlorite",
    "water",
    "water_reactive",
    "oxidiser",
    "combustible",
)


class _Made:
    """Parts of one SOP. Ids are counted; now and then one comes twice."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.count = 1
        self.ids: list[str] = []

    def one(self, choices: _Choices) -> str:
        """Seldom one that is wrong."""
        good, bad = choices
        return self.chance.choice(bad if self.chance.random() < 0.01 else good)

    def name(self, stem: str) -> str:
        self.count += 1
        found = f"{stem}{self.count}" if self.chance.random() > 0.0005 else "w1"
        self.ids.append(found)
        return found

    def items(self, depth: int) -> list[Any]:
        return [self.item(depth) for _ in range(self.chance.randint(1, 3))]

    def item(self, depth: int) -> dict[str, Any]:
        pick = self.chance.random()
        made = self.block(depth, pick) if depth and pick < 0.35 else self.work(self.chance.random())
        if self.chance.random() < 0.004:
            made["needs"] = self.chance.sample(
                self.ids, min(len(self.ids), self.chance.randint(0, 2))
            )
        return made

    def block(self, depth: int, pick: float) -> dict[str, Any]:
        chance = self.chance
        if pick < 0.1:
            lanes = [self.items(depth - 1) for _ in range(chance.randint(2, 4))]
            return {"id": self.name("p"), "parallel": lanes}
        if pick < 0.2:
            block: dict[str, Any] = {
                "when": self.one(_CONDITIONS),
                "then": self.items(depth - 1),
            }
            if chance.random() < 0.6:
                block["else"] = self.items(depth - 1)
            return {"id": self.name("b"), "branch": block}
        if pick < 0.3:
            repeat: dict[str, Any] = {"max_iterations": chance.choice([2, 2, 3, 7, 40])}
            steps = self.items(depth - 1)
            if chance.random() < 0.7:
                probe = step(self.name("r"), "probe", "measure")
                steps.append(probe)
                repeat["until"] = f"${{{probe['id']}.conductivity > 1 mS/cm}}"
                repeat["on_exhausted"] = chance.choice(["continue", "fail"])
            return {"id": self.name("l"), "repeat": {**repeat, "steps": steps}}
        values = ["100 rpm", "200 rpm"] if chance.random() < 0.9 else ["1 mL", "2 g"]
        each = {"name": self.name("v"), "in": values}
        return {"id": self.name("e"), "for_each": {**each, "steps": self.items(depth - 1)}}

    def work(self, pick: float) -> dict[str, Any]:
        chance = self.chance
        more: dict[str, Any] = {
            "duration": self.one(_DURATIONS),
            "timeout": self.one(_TIMEOUTS),
        }
        if chance.random() < 0.1:
            more["on_error"] = {"then": chance.choice(["skip", "hold", "abort"])}
            more["critical"] = more["on_error"]["then"] != "skip" or chance.random() < 0.1
        if pick < 0.5:
            more["empties"] = chance.random() < 0.3
            given = {"volume": self.one(_VOLUMES)}
            return step(self.name("d"), chance.choice(_PUMPS), "dispense", with_=given, **more)
        if pick < 0.6:
            given = {"temperature": self.one(_TEMPERATURES)}
            return step(self.name("h"), "stirrer", "heat", with_=given, **more)
        if pick < 0.7:
            given = {"speed": self.one(_SPEEDS)}
            return step(self.name("s"), "stirrer", "stir", with_=given, **more)
        if pick < 0.75:
            return step(self.name("o"), "stirrer", "stop", **more)
        if pick < 0.85:
            return step(self.name("w"), "balance", "weigh", **more)
        if pick < 0.93:
            return step(self.name("r"), "probe", "measure", **more)
        name = self.name("m")
        manual = {
            "prompt": "Is it clean?",
            "expects": {"clean": {"type": "yes_no"}},
            "simulate": {"clean": True},
        }
        return {
            "id": name,
            "title": name,
            "manual": manual,
            "at": chance.choice(["pot", "cell"]),
            **more,
        }

    def timing(self) -> list[dict[str, Any]]:
        chance, found = self.chance, list[dict[str, Any]]()
        for _ in range(chance.choice([0, 0, 1, 3])):
            first, second = sorted(chance.sample(range(len(self.ids)), 2))
            limit = {
                chance.choice(["less_than", "more_than"]): chance.choice(["1 s", "5 min", "1 h"])
            }
            found.append(
                {"from": f"{self.ids[first]}.end", "to": f"{self.ids[second]}.start", **limit}
            )
        return found


def random_sop(chance: random.Random) -> str:
    """Its text, as JSON (which is YAML, too)."""
    made = _Made(chance)
    procedure = [
        step("w1", "balance", "weigh", outputs={"mass": {"minimum": "0 g", "maximum": "30 g"}}),
        step("r1", "probe", "measure"),
        *made.items(3),
    ]
    made.ids = ["w1", "r1", *made.ids]

    def material() -> dict[str, Any]:
        found: dict[str, Any] = {"name": "x", "role": "solvent", "density": "1 g/mL"}
        if chance.random() < 0.5:
            found["reactive_groups"] = chance.sample(_GROUPS, chance.randint(1, 2))
        if chance.random() < 0.5:
            found["boiling_point"] = chance.choice(["56 degC", "100 degC"])
        return found

    def container() -> dict[str, Any]:
        found: dict[str, Any] = {"capacity": chance.choice(["5 mL", "20 mL", "1 L"])}
        if chance.random() < 0.4:
            found["dead_volume"] = chance.choice(["0.5 mL", "2 mL"])
        return {**found, "sealed": True} if chance.random() < 0.2 else found

    room = {"unit": "mL", "minimum": "1 mL", "maximum": "6 mL", "default": "2 mL", "role": "factor"}
    mode = {"type": "choice", "choices": ["careful", "quick"], "default": "quick", "role": "fixed"}
    tree = small_tree(
        procedure,
        parameters={"room": room, "mode": mode},
        materials={"water": material(), "acid": material()},
        containers={"pot": container(), "cell": container()},
        equipment={"probe": {"capability": "conductivity", "at": "cell"}},
        timing=made.timing(),
        results={"mass": {"from": "w1.mass", "unit": "g"}},
    )
    return json.dumps(tree)
