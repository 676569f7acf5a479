"""The steps of an SOP with what goes in and out of each, for `lab.sop.cwl`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lab.sop.graph import step_graph
from lab.sop.model_steps import BranchBlock, CallBlock, ForEachBlock, ManualStep, RepeatBlock, Step
from lab.sop.unfold import all_items

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lab.domain.action import CapabilitySpec
    from lab.sop.model import Sop
    from lab.sop.model_steps import Argument, Item

__all__ = ["CwlNode", "nodes_of"]


@dataclass(frozen=True, slots=True)
class CwlNode:
    """One operation. `inputs`: name -> texts of expressions or values; `outputs`: name -> what it is."""

    id: str
    label: str
    doc: str = ""
    inputs: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    outputs: dict[str, str] = field(default_factory=dict[str, str])
    after: tuple[tuple[str, str], ...] = ()
    """(operation, output) of what must be done first."""
    when: str = ""
    """`operation/output` that must be true."""


def nodes_of(sop: Sop, capabilities: Mapping[str, CapabilitySpec]) -> dict[str, CwlNode]:
    """Every step, decision, loop end and call as written, each after all that must be done before it."""
    graph = step_graph(sop)
    items = {item.id: item for _, item in all_items(sop.procedure)}
    conditions = _conditions(sop)
    after: dict[str, list[tuple[str, str]]] = {node.id: [] for node in graph.nodes}
    for edge in graph.edges:
        if not edge.back:
            answers = isinstance(items.get(edge.source), BranchBlock)
            after[edge.target].append((edge.source, edge.label if answers else "done"))
    return {
        node.id: CwlNode(
            id=node.id,
            label=node.label,
            doc=_doc(items[node.id]),
            inputs=_inputs(items[node.id]),
            outputs=_outputs(items[node.id], sop, capabilities),
            after=tuple(dict.fromkeys(after[node.id])),
            when=conditions.get(node.id, ""),
        )
        for node in graph.nodes
        if node.id in items
    }


def _conditions(sop: Sop) -> dict[str, str]:
    """Item -> the answer of the innermost branch that it stands in."""
    found: dict[str, str] = {}
    branches = {
        place: item for place, item in all_items(sop.procedure) if isinstance(item, BranchBlock)
    }
    for place, item in all_items(sop.procedure):
        for length in range(len(place) - 1, 0, -1):
            branch = branches.get(place[:length])
            if branch is not None:
                answer = "yes" if place[length + 1] == "then" else "no"
                found[item.id] = f"{branch.id}/{answer}"
                break
    return found


def _doc(item: Item) -> str:
    match item:
        case Step():
            return f"{item.equipment} does {item.action}. {item.instruction}".strip()
        case ManualStep():
            return f"By hand: {item.manual.prompt}"
        case RepeatBlock():
            return f"The steps before it are repeated, at most {item.repeat.max_iterations} times."
        case ForEachBlock():
            values = ", ".join(str(value) for value in item.for_each.values)
            return f"The steps before it are done for {item.for_each.name} = {values}."
        case CallBlock():
            return f"{item.call.sop} {item.call.version}, sop_sha256 {item.call.sha256}"
        case _:
            return ""


def _inputs(item: Item) -> dict[str, list[str]]:
    match item:
        case Step():
            return _arguments(item.arguments)
        case CallBlock():
            return _arguments(item.call.arguments)
        case RepeatBlock() if item.repeat.until:
            return {"until": [item.repeat.until]}
        case BranchBlock():
            return {"condition": [item.branch.when]}
        case _:
            return {}


def _arguments(arguments: Mapping[str, Argument]) -> dict[str, list[str]]:
    """An operation has inputs and outputs in one space of names: an argument `volume` is `with_volume`."""
    found: dict[str, list[str]] = {}
    for name, value in arguments.items():
        texts = list(map(str, value.values())) if isinstance(value, dict) else [str(value)]
        found[f"with_{name}"] = texts
    return found


def _outputs(item: Item, sop: Sop, capabilities: Mapping[str, CapabilitySpec]) -> dict[str, str]:
    found: dict[str, str] = {}
    match item:
        case Step():
            role = sop.equipment.get(item.equipment)
            capability = capabilities.get(role.capability) if role else None
            action = capability.actions.get(item.action) if capability else None
            if action is not None:
                found = {
                    n: f"{o.description} in {o.unit}".strip() for n, o in action.outputs.items()
                }
        case ManualStep():
            found = {n: answer.prompt for n, answer in item.manual.expects.items()}
        case BranchBlock():
            return {"yes": "the condition holds", "no": "it does not"}
        case _:
            pass
    return {**found, "done": "it is done"}
