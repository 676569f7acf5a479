"""The steps of an SOP as a graph, as written: loops lead back, branches fork. As text for Mermaid and Graphviz."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from lab.sop.expression import unwrap
from lab.sop.model_steps import (
    BranchBlock,
    CallBlock,
    ForEachBlock,
    ManualStep,
    ParallelBlock,
    RepeatBlock,
    Stage,
    Step,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lab.sop.model import Sop
    from lab.sop.model_steps import Item

__all__ = ["Edge", "Graph", "Node", "dot", "mermaid", "step_graph"]

Kind = Literal["step", "manual", "decision", "loop", "call", "end"]


@dataclass(frozen=True, slots=True)
class Node:
    """A box. `label` is for people."""

    id: str
    label: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Edge:
    """An arrow; `back` ones lead to the next round of a loop."""

    source: str
    target: str
    label: str = ""
    back: bool = False


@dataclass(slots=True)
class Graph:
    """Nodes in the order of the text. Without its `back` edges it has no cycle."""

    nodes: list[Node] = field(default_factory=list[Node])
    edges: list[Edge] = field(default_factory=list[Edge])


_Ends = tuple[tuple[str, str], ...]
"""(node, label of the arrow that leaves it)"""


def step_graph(sop: Sop) -> Graph:
    """What follows what. `needs` that lead in a circle are left out (the check refuses such a file)."""
    work = _Builder()
    ends = work.sequence(sop.procedure, ())
    work.add(Node("_end", "End", "end"), ends)
    return work.graph


def mermaid(graph: Graph) -> str:
    """The text of a Mermaid flow chart."""
    shapes = {
        "step": ("[", "]"), "manual": ("[/", "/]"), "decision": ("{", "}"), "loop": ("{{", "}}"),
        "call": ("[[", "]]"), "end": ("([", "])"),
    }  # fmt: skip
    lines = ["flowchart TD"]
    for node in graph.nodes:
        left, right = shapes[node.kind]
        lines.append(f'  {_mermaid_id(node.id)}{left}"{_entities(node.label)}"{right}')
    for edge in graph.edges:
        arrow = "-.->" if edge.back else "-->"
        said = f'|"{_entities(edge.label)}"|' if edge.label else ""
        lines.append(f"  {_mermaid_id(edge.source)} {arrow}{said} {_mermaid_id(edge.target)}")
    return "\n".join(lines) + "\n"


def dot(graph: Graph) -> str:
    """The text of a Graphviz graph."""
    shapes = {
        "step": "box", "manual": "parallelogram", "decision": "diamond", "loop": "hexagon",
        "call": "box, peripheries=2", "end": "oval",
    }  # fmt: skip
    lines = ["digraph procedure {", "  node [fontname=sans];", "  edge [fontname=sans];"]
    for node in graph.nodes:
        lines.append(
            f"  {_quoted(node.id)} [label={_quoted(node.label)}, shape={shapes[node.kind]}];"
        )
    for edge in graph.edges:
        style = ", style=dashed, constraint=false" if edge.back else ""
        lines.append(
            f"  {_quoted(edge.source)} -> {_quoted(edge.target)} [label={_quoted(edge.label)}{style}];"
        )
    return "\n".join([*lines, "}"]) + "\n"


def _mermaid_id(name: str) -> str:
    """Mermaid takes some words (`end`, `class`) for its own."""
    return f"n_{name}"


def _entities(text: str) -> str:
    """Mermaid knows characters by number; letters, digits and harmless marks stay as they are."""
    return "".join(c if c.isalnum() or c in " .,-+*/=:()^_" else f"#{ord(c)};" for c in text)


def _quoted(text: str) -> str:
    plain = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{plain}"'


@dataclass(slots=True)
class _Builder:
    graph: Graph = field(default_factory=Graph)

    def add(self, node: Node, entry: _Ends) -> _Ends:
        self.graph.nodes.append(node)
        self.graph.edges += [Edge(source, node.id, label) for source, label in entry]
        return ((node.id, ""),)

    def sequence(self, items: Sequence[Item], entry: _Ends) -> _Ends:
        """Draw a list; returns where what follows it begins."""
        known = {item.id for item in items}
        exits: dict[str, _Ends] = {}
        needed: set[str] = set()
        waiting = list(zip(items, (None, *items), strict=False))
        while waiting:
            pair = next((p for p in waiting if self._wanted(*p, known) <= set(exits)), waiting[0])
            waiting.remove(pair)
            wanted = [name for name in self._wanted(*pair, known) if name in exits]
            needed.update(wanted)
            start = tuple(dict.fromkeys(end for name in wanted for end in exits[name])) or entry
            exits[pair[0].id] = self._item(pair[0], start)
        last = (end for item in items if item.id not in needed for end in exits[item.id])
        return tuple(dict.fromkeys(last)) or entry

    def _wanted(self, item: Item, previous: Item | None, known: set[str]) -> set[str]:
        if item.needs is None:
            return set() if previous is None else {previous.id}
        return (set(item.needs) & known) - {item.id}

    def _item(self, item: Item, entry: _Ends) -> _Ends:
        match item:
            case Step():
                return self.add(Node(item.id, item.title, "step"), entry)
            case ManualStep():
                return self.add(Node(item.id, item.title, "manual"), entry)
            case Stage():
                return self.sequence(item.stage, entry)
            case ParallelBlock():
                ends = [end for branch in item.parallel for end in self.sequence(branch, entry)]
                return tuple(dict.fromkeys(ends))
            case RepeatBlock():
                return self._repeat(item, entry)
            case ForEachBlock():
                return self._for_each(item, entry)
            case BranchBlock():
                question = f"{_condition(item.branch.when)}?"
                self.add(Node(item.id, question, "decision"), entry)
                then = self.sequence(item.branch.then, ((item.id, "yes"),))
                otherwise = self.sequence(item.branch.otherwise, ((item.id, "no"),))
                return tuple(dict.fromkeys((*then, *otherwise)))
            case CallBlock():
                title = item.title or item.id
                said = f"{title} ({item.call.sop} {item.call.version})"
                return self.add(Node(item.id, said, "call"), entry)

    def _repeat(self, item: RepeatBlock, entry: _Ends) -> _Ends:
        count, until = item.repeat.max_iterations, item.repeat.until
        first = len(self.graph.nodes)
        ends = self.sequence(item.repeat.steps, entry)
        if until:
            label, again = f"{_condition(until)}?", f"no, at most {count} rounds"
        else:
            label, again = f"{count} rounds", "next round"
        return self._lead_back(Node(item.id, label, "loop"), ends, first, again, until)

    def _for_each(self, item: ForEachBlock, entry: _Ends) -> _Ends:
        first = len(self.graph.nodes)
        ends = self.sequence(item.for_each.steps, entry)
        values = [str(value) for value in item.for_each.values]
        if len(values) > 6:  # what a box can hold
            values = [*values[:3], "...", values[-1]]
        label = f"{item.for_each.name}: {', '.join(values)}"
        return self._lead_back(Node(item.id, label, "loop"), ends, first, "next value", "")

    def _lead_back(self, node: Node, ends: _Ends, first: int, again: str, until: str) -> _Ends:
        self.add(node, ends)
        body = self.graph.nodes[first].id
        self.graph.edges.append(Edge(node.id, body, again, back=True))
        return ((node.id, "yes" if until else "done"),)


def _condition(expression: str) -> str:
    inside = unwrap(expression)
    return " ".join((expression if inside is None else inside).split())
