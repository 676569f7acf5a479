"""An SOP as an abstract workflow in the Common Workflow Language, for other programs.

CWL v1.2 (https://www.commonwl.org/v1.2/Workflow.html): parameters are inputs, results are outputs, every step, decision and
formula is an `Operation`, which says what goes in and out and not how it is done. Links are the outputs that expressions
use; what only has to come first leads through `after` and `done`. CWL has no loops: the steps of a loop stand there once,
and what they take from the round before is said in `doc`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lab.sop.cwl_steps import nodes_of
from lab.sop.expression import ExpressionError, parse_expression, unwrap
from lab.sop.model import Option

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pydantic import JsonValue

    from lab.domain.action import CapabilitySpec
    from lab.sop.cwl_steps import CwlNode
    from lab.sop.model import Parameter, Sop

__all__ = ["cwl_text", "workflow"]

_Document = dict[str, "JsonValue"]
_ANY = "Any?"
"""Anything, or nothing where a branch was not taken."""


def cwl_text(sop: Sop, capabilities: Mapping[str, CapabilitySpec]) -> str:
    """The workflow as JSON, which is YAML too."""
    return json.dumps(workflow(sop, capabilities), indent=2, ensure_ascii=False) + "\n"


def workflow(sop: Sop, capabilities: Mapping[str, CapabilitySpec]) -> _Document:
    """The workflow. `capabilities` say which values a step yields.

    A name that means no output is linked all the same: whoever validates the workflow is told, as by `lab check`.
    """
    work = _Writer(sop, nodes_of(sop, capabilities))
    steps: _Document = {}
    for name, item in sop.derived.items():
        steps[work.derived[name]] = work.formula(item.value, item.description, before="")
    for node in work.nodes.values():
        steps[node.id] = work.step(node)
    outputs: _Document = {}
    for name, item in sop.results.items():
        if item.source:
            source = item.source.replace(".", "/")
        else:
            steps[work.results[name]] = work.formula(item.value, item.description, before="_end")
            source = f"{work.results[name]}/value"
        said = "; ".join(filter(None, (item.description, f"in {item.unit}")))
        # inputs and outputs share one space of names
        taken = name in sop.parameters or name in work.nodes
        outputs[f"{name}_result" if taken else name] = {
            "type": _ANY,
            "outputSource": source,
            "doc": said,
        }
    return {
        "cwlVersion": "v1.2",
        "class": "Workflow",
        "id": sop.id,
        "label": sop.title,
        "doc": f"SOP {sop.id} {sop.version}. {sop.intended_use}".strip(),
        "requirements": {"MultipleInputFeatureRequirement": {}},
        "inputs": {name: _input(item) for name, item in sop.parameters.items()},
        "outputs": outputs,
        "steps": steps,
    }


def _input(item: Parameter | Option) -> _Document:
    """A quantity is a plain number in the parameter's unit."""
    if isinstance(item, Option):
        kind = "boolean" if item.type == "yes_no" else "string"
        said = "; ".join(filter(None, (item.description, ", ".join(item.choices))))
        return {"type": kind, "default": item.default, "doc": said}
    default = item.default.to(item.unit).magnitude if item.default.is_like(item.unit) else None
    said = "; ".join(
        filter(None, (item.description, f"in {item.unit}", f"{item.minimum} to {item.maximum}"))
    )
    return {"type": "double", "default": default, "doc": said}


@dataclass(slots=True)
class _Writer:
    sop: Sop
    nodes: dict[str, CwlNode]
    derived: dict[str, str] = field(default_factory=dict[str, str])
    """Derived value -> id of the operation that computes it."""
    results: dict[str, str] = field(default_factory=dict[str, str])
    before: dict[str, set[str]] = field(default_factory=dict[str, "set[str]"])
    """Node -> nodes that are done before it."""

    def __post_init__(self) -> None:
        taken = {*self.nodes, *self.sop.parameters}
        for prefix, names, found in (
            ("derived", self.sop.derived, self.derived),
            ("result", self.sop.results, self.results),
        ):
            for name in names:
                identity = f"{prefix}_{name}"
                while identity in taken:
                    identity += "_"
                taken.add(identity)
                found[name] = identity
        for node in self.nodes.values():  # in an order in which what comes first is already there
            direct = {name for name, _ in node.after}
            self.before[node.id] = direct.union(*(self.before.get(name, set()) for name in direct))
        self.before["_end"] = set(self.nodes)

    def formula(self, expression: str, description: str, before: str) -> _Document:
        """An operation that computes one value."""
        links, said = self._links([expression], before)
        entry = _port(links)
        return {
            "label": description or expression,
            "in": {"of": entry} if entry else {},
            "out": ["value"],
            "run": {
                "class": "Operation",
                "doc": " ".join([expression, *said]),
                "inputs": {"of": _ANY} if entry else {},
                "outputs": {"value": _ANY},
            },
        }

    def step(self, node: CwlNode) -> _Document:
        """A step, a decision or a call."""
        ports: _Document = {}
        types: _Document = {}
        doc = [node.doc] if node.doc else []
        for name, texts in node.inputs.items():
            links, said = self._links(texts, node.id)
            doc += said
            entry = _port(links)
            if not entry and len(texts) == 1 and unwrap(texts[0]) is None:
                entry["default"] = texts[0]
            ports[name] = entry
            types[name] = {"type": _ANY, "doc": ", ".join(texts)}
        if node.after:
            ports["after"] = _port([f"{name}/{output}" for name, output in node.after])
            types["after"] = _ANY
        outputs: _Document = {}
        for name, what in node.outputs.items():
            outputs[name] = {"type": _ANY, "doc": what}
        found: _Document = {
            "label": node.label,
            "in": ports,
            "out": list(node.outputs),
            "run": {
                "class": "Operation",
                "doc": " ".join(doc),
                "inputs": types,
                "outputs": outputs,
            },
        }
        if node.when:
            ports["when"] = {"source": node.when}
            types["when"] = "boolean?"
            found["when"] = "$(inputs.when)"
        return found

    def _links(self, texts: Iterable[str], here: str) -> tuple[list[str], list[str]]:
        """(sources, what has to be said of those that can't be linked)."""
        links: dict[str, None] = {}
        said: list[str] = []
        for text in texts:
            for name in _names(text):
                source = self._source(name)
                step = name.rpartition(".")[0]
                if step in self.nodes and step not in self.before.get(here, set()):
                    said.append(f"{name} is that of the round before.")
                elif source:
                    links[source] = None
        return list(links), said

    def _source(self, name: str) -> str:
        if name in self.derived:
            return f"{self.derived[name]}/value"
        plain = name.removeprefix("parameters.")
        if plain in self.sop.parameters:
            return plain
        owner, _, output = name.rpartition(".")
        if not owner or owner in self.sop.materials:
            return ""
        return f"{owner}/{output}"


def _names(text: str) -> list[str]:
    """Names in an expression; none in a plain value."""
    inside = unwrap(text)
    if inside is None:
        return []
    try:
        return [name for name, _ in parse_expression(inside).names]
    except ExpressionError:
        return []


def _port(sources: list[str]) -> _Document:
    if not sources:
        return {}
    if len(sources) == 1:
        return {"source": sources[0]}
    return {"source": list(sources), "linkMerge": "merge_nested"}
