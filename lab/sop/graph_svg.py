"""A graph of steps drawn as SVG: layers from top to bottom, boxes in rows, loops led back along the right side.

Layers are longest paths from the start; in each row boxes stand near what leads to them (the barycentre rule of
Sugiyama, Tagawa and Toda, IEEE Trans. SMC 11, 109 (1981), doi:10.1109/TSMC.1981.4308636). Lengths are in pixels.
"""

from __future__ import annotations

import itertools
import textwrap
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lab.sop.graph import Edge, Graph, Node

__all__ = ["layers", "svg"]

_LINE_CHARACTERS = 26
_CHARACTER = 7.0
_LINE = 16.0
_PAD = 12.0
_GAP_X = 28.0
_GAP_Y = 44.0
_LANE = 26.0
_MARGIN = 12.0


@dataclass(slots=True)
class _Place:
    """A box, or (without lines of text) a point that a long arrow passes."""

    lines: list[str] = field(default_factory=list[str])
    kind: str = ""
    x: float = 0.0
    y: float = 0.0
    width: float = 10.0
    height: float = 0.0


def layers(graph: Graph) -> dict[str, int]:
    """Node -> its row, each below all that lead to it."""
    found: dict[str, int] = {}
    before: dict[str, list[str]] = {node.id: [] for node in graph.nodes}
    for edge in graph.edges:
        if not edge.back:
            before[edge.target].append(edge.source)
    waiting = [node.id for node in graph.nodes]
    while waiting:
        ready = next((n for n in waiting if all(s in found for s in before[n])), waiting[0])
        waiting.remove(ready)
        found[ready] = max((found.get(source, -1) + 1 for source in before[ready]), default=0)
    return found


def svg(graph: Graph) -> str:
    """The picture as an `<svg>` element that needs nothing else."""
    rows = layers(graph)
    places = {node.id: _box(node) for node in graph.nodes}
    chains = [_chain(edge, rows, places) for edge in graph.edges if not edge.back]
    width = _arrange(rows, places, chains)
    backs = [edge for edge in graph.edges if edge.back]
    height = max((p.y + p.height for p in places.values()), default=0.0) + _MARGIN
    parts = [_arrow([places[name] for name in names], edge.label) for edge, names in chains]
    lane = right = width
    for number, edge in enumerate(sorted(backs, key=lambda e: rows[e.source] - rows[e.target])):
        source = places[edge.source]
        said_to = source.x + source.width / 2 + len(edge.label) * _CHARACTER + _PAD
        lane = max(width + _LANE * (number + 0.5), said_to, lane + _LANE if number else 0.0)
        parts.append(_back(source, places[edge.target], lane, edge.label))
        right = lane
    parts += [_drawn(place) for place in places.values() if place.lines]
    right += _MARGIN
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="Order of the steps" class="graph" '
        f'viewBox="0 0 {right:.0f} {height:.0f}" width="{right:.0f}" height="{height:.0f}">\n'
        '<defs><marker id="tip" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" '
        'orient="auto"><path d="M0 0L10 5L0 10z"/></marker></defs>\n'
        + "\n".join(parts)
        + "\n</svg>"
    )


def _box(node: Node) -> _Place:
    lines = textwrap.wrap(node.label, _LINE_CHARACTERS)[:4] or [node.id]
    pointed = node.kind in ("decision", "loop")
    width = max(len(line) for line in lines) * _CHARACTER + 2 * _PAD + (28.0 if pointed else 8.0)
    return _Place(lines, node.kind, width=width, height=len(lines) * _LINE + 2 * _PAD)


def _chain(edge: Edge, rows: dict[str, int], places: dict[str, _Place]) -> tuple[Edge, list[str]]:
    """An arrow over several rows gets a point in each, so that it leads round the boxes there."""
    names = [edge.source]
    for row in range(rows[edge.source] + 1, rows[edge.target]):
        name = f"{edge.source}>{edge.target}>{edge.label}>{row}"
        places[name], rows[name] = _Place(), row
        names.append(name)
    return edge, [*names, edge.target]


def _arrange(
    rows: dict[str, int], places: dict[str, _Place], chains: list[tuple[Edge, list[str]]]
) -> float:
    """Give every place its middle (x) and top (y); returns the width of the picture."""
    before: dict[str, list[str]] = {}
    for _, names in chains:
        for one, other in itertools.pairwise(names):
            before.setdefault(other, []).append(one)
    count = max(rows.values(), default=-1) + 1
    levels = [[name for name in places if rows[name] == row] for row in range(count)]
    top = _MARGIN
    for level in levels:
        wish = {name: _middle([places[b].x for b in before.get(name, [])]) for name in level}
        level.sort(key=lambda name: wish[name])
        _spread([places[name] for name in level], [wish[name] for name in level])
        tallest = max(places[name].height for name in level)
        for name in level:
            place = places[name]
            place.y = top + (tallest - place.height) / 2
        top += tallest + _GAP_Y
    left = min((p.x - p.width / 2 for p in places.values()), default=0.0)
    for place in places.values():
        place.x += _MARGIN - left
    return max((p.x + p.width / 2 for p in places.values()), default=0.0)


def _middle(values: list[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def _spread(places: list[_Place], wishes: list[float]) -> None:
    """In their order, without overlap, the row as a whole where its members wish to be."""
    x = 0.0
    for place in places:
        place.x = x + place.width / 2
        x += place.width + _GAP_X
    shift = _middle([wish - place.x for wish, place in zip(wishes, places, strict=True)])
    for place in places:
        place.x += shift


def _arrow(places: list[_Place], label: str) -> str:
    source = places[0]
    start = (source.x, source.y + source.height)
    path = f"M{start[0]:.1f} {start[1]:.1f}"
    x, y = start
    for place in places[1:]:
        end = (place.x, place.y)
        half = (y + end[1]) / 2
        path += f"C{x:.1f} {half:.1f} {end[0]:.1f} {half:.1f} {end[0]:.1f} {end[1]:.1f}"
        x, y = end
    said = ""
    if label:
        towards = places[1].x - source.x
        anchor, offset = ("end", -6.0) if towards < -1.0 else ("start", 6.0)
        said = _text(start[0] + towards * 0.15 + offset, start[1] + 14.0, label, anchor)
    return f'<path class="line" d="{path}" marker-end="url(#tip)"/>{said}'


def _back(source: _Place, target: _Place, lane: float, label: str) -> str:
    low, high = source.y + source.height / 2, target.y + target.height / 2
    start, end = source.x + source.width / 2, target.x + target.width / 2
    path = (
        f"M{start:.1f} {low:.1f}H{lane - 8:.1f}Q{lane:.1f} {low:.1f} {lane:.1f} {low - 8:.1f}"
        f"V{high + 8:.1f}Q{lane:.1f} {high:.1f} {lane - 8:.1f} {high:.1f}H{end + 1:.1f}"
    )
    said = _text(start + 6.0, low - 6.0, label, "start")
    return f'<path class="line back" d="{path}" marker-end="url(#tip)"/>{said}'


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return (
        f'<text class="said" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
    )


def _drawn(place: _Place) -> str:
    left, right = place.x - place.width / 2, place.x + place.width / 2
    top, low = place.y, place.y + place.height
    middle = (top + low) / 2
    if place.kind in ("decision", "loop"):
        points = (
            f"{left},{middle} {left + 14},{top} {right - 14},{top} {right},{middle} "
            f"{right - 14},{low} {left + 14},{low}"
        )
        shape = f'<polygon class="{place.kind}" points="{points}"/>'
    else:
        round_by = place.height / 2 if place.kind == "end" else 4.0
        shape = (
            f'<rect class="{place.kind}" x="{left:.1f}" y="{top:.1f}" width="{place.width:.1f}" '
            f'height="{place.height:.1f}" rx="{round_by:.0f}"/>'
        )
    first = middle - (len(place.lines) - 1) * _LINE / 2 + 4.5
    lines = "".join(
        f'<tspan x="{place.x:.1f}" y="{first + number * _LINE:.1f}">{escape(line)}</tspan>'
        for number, line in enumerate(place.lines)
    )
    return f'{shape}<text text-anchor="middle">{lines}</text>'
