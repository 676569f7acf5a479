"""Valid procedures, made at random from all constructs of the format."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Tree", "valid_sops"]

Tree = dict[str, Any]
"""A SOP as YAML says it: mappings, lists, texts and numbers."""

_ROLES = {
    "pump": {"capability": "liquid_dosing", "draws": "stock", "into": "cell"},
    "balance": {"capability": "weighing", "at": "cell"},
    "stirrer": {"capability": "heating_stirring", "at": "cell"},
    "probe": {"capability": "conductivity", "at": "cell"},
}


@st.composite
def valid_sops(draw: st.DrawFn) -> Tree:
    """A SOP of one to some twenty steps whose check finds no error."""
    count = iter(range(1, 1000))
    items = draw(st.lists(_item(count.__next__, 2), min_size=1, max_size=4))
    # what is heated has been filled and is stirred
    fill = _step("first_fill", "pump", "dispense", **{"with": {"volume": "1 mL"}})
    stir = _step("first_stir", "stirrer", "stir", **{"with": {"speed": "100 rpm"}})
    items = [_weigh("first_weigh"), fill, stir, *items]
    sop: Tree = {
        "sop_format": 1,
        "id": "made_at_random",
        "title": draw(_texts()),
        "version": "1.0.0",
        "status": "draft",
        "authors": [{"name": draw(_texts()), "orcid": "0000-0002-1825-0097"}],
        "parameters": {
            "dose": {
                "unit": "mL", "minimum": "0.1 mL", "maximum": draw(st.sampled_from(["1 mL", "2.5 mL", "0.5e0 mL"])),
                "default": "0.3 mL", "role": draw(st.sampled_from(["factor", "fixed", "reported"])),
            },
            "mode": {"type": "choice", "choices": ["careful", "quick"], "default": "quick", "role": "fixed"},
        },
        "materials": {"stock": {"name": "Stock", "role": "solvent", "density": "1.0 g/mL"}},
        "containers": {"cell": {"capacity": "5 L"}},
        "equipment": {name: dict(role) for name, role in _ROLES.items()},
        "safety": {
            "supervision": "present", "safe_state": [_step("make_safe", "stirrer", "stop")],
        },
        "procedure": items,
        "derived": {"dose_mass": {"unit": "g", "value": "${dose * stock.density}"}},
        "results": {"mass": {"from": "first_weigh.mass", "unit": "g"}},
    }  # fmt: skip
    if draw(st.booleans()):
        sop["safety"]["limits"] = [{"signal": "stirrer.temperature", "maximum": "200 degC"}]
    if draw(st.booleans()):
        sop["timing"] = [{"from": "first_weigh.start", "to": "first_weigh.end", "less_than": "1 h"}]
    if draw(st.booleans()):
        sop["quality"] = {
            "blanks": {"spread": {"measured": "first_weigh.mass_sd", "maximum": "1 g"}}
        }
    return sop


def _texts() -> st.SearchStrategy[str]:
    return st.text(
        st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Zl", "Zp"), exclude_characters="\ufeff"),
        min_size=1, max_size=30,
    )  # fmt: skip


def _step(name: str, role: str, action: str, **more: object) -> Tree:
    return {
        "id": name, "title": name, "equipment": role, "action": action, **more,
        "duration": "5 s", "timeout": "60 s",
    }  # fmt: skip


def _weigh(name: str) -> Tree:
    return _step(
        name, "balance", "weigh",
        outputs={"mass": {"minimum": "0 g", "maximum": "50 g", "uncertainty": "2 mg"}},
        checks=[{"expect": "mass >= 0 g", "message": "lighter than nothing"}],
    )  # fmt: skip


@st.composite
def _one_step(draw: st.DrawFn, number: Callable[[], int]) -> Tree:
    name = f"step_{number()}"
    kind = draw(st.integers(0, 5))
    if kind == 0:
        volume = draw(
            st.sampled_from(["1 mL", "${dose}", "200 uL", "${dose_mass / stock.density}"])
        )
        return _step(
            name, "pump", "dispense", **{"with": {"volume": volume}}, resume="scrap_sample"
        )
    if kind == 1:
        late = "${clamp(first_weigh.mass / 50 g * 1 mL, 0 mL, 1 mL)}"
        return _step(name, "pump", "dispense", **{"with": {"volume": late, "rate": "5 mL/min"}})
    if kind == 2:
        return _weigh(name)
    if kind == 3:
        on_error = draw(st.sampled_from([{"retry": 2, "delay": "1 s"}, {"then": "hold"}, {}]))
        return _step(name, "stirrer", "stir", **{"with": {"speed": "100 rpm"}}, on_error=on_error)
    if kind == 4:
        return _step(
            name,
            "stirrer",
            "heat",
            **{"with": {"temperature": "25 degC"}},
            tolerance="1 delta_degC",
        )
    manual = {
        "prompt": "Look", "expects": {"clear": {"type": "yes_no"}, "count": {"type": "integer", "minimum": 0}},
        "sign": draw(st.sampled_from(["none", "performer", "witness"])), "simulate": {"clear": True, "count": 3},
    }  # fmt: skip
    skipped: Tree = {"critical": False, "on_error": {"then": "skip"}}
    more = skipped if draw(st.booleans()) else {}
    return {
        "id": name, "title": name, "manual": manual, "at": "cell", "duration": "1 min", "timeout": "1 h", **more,
    }  # fmt: skip


@st.composite
def _item(draw: st.DrawFn, number: Callable[[], int], depth: int) -> Tree:
    kind = draw(st.integers(0, 8)) if depth else 0
    name = f"block_{number()}"

    def inside() -> list[Tree]:
        return draw(st.lists(_item(number, depth - 1), min_size=1, max_size=2))

    match kind:
        case 5:
            return {"id": name, "title": name, "stage": inside()}
        case 6:
            return {"id": name, "parallel": [inside(), inside()]}
        case 7:
            values = draw(st.sampled_from([["1 mL", "2 mL"], [1, 2.5], ["a", "b", "c"]]))
            return {
                "id": name,
                "for_each": {"name": f"value_{name}", "in": values, "steps": inside()},
            }
        case 8 if draw(st.booleans()):
            weigh = _weigh(f"weigh_{name}")
            until = f"${{weigh_{name}.mass > 10 g}}"
            loop = {"max_iterations": 2, "until": until, "on_exhausted": "continue"}
            return {"id": name, "repeat": {**loop, "steps": [*inside(), weigh]}}
        case 8:
            when = draw(st.sampled_from(["${first_weigh.mass > 10 g}", '${mode == "quick"}']))
            branch = {"when": when, "then": inside(), "else": inside()}
            return {"id": name, "branch": branch}
        case _:
            return draw(_one_step(number))
