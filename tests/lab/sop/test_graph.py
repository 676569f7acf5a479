"""The graph of steps: what follows what, in Mermaid, Graphviz and as a drawing whose boxes do not touch."""

from __future__ import annotations

import itertools
import re
import xml.etree.ElementTree as ET

import pytest

from lab.sop.graph import Edge, Graph, Node, dot, mermaid, step_graph
from lab.sop.graph_svg import layers, svg
from tests.support.procedures import FULL, changed_full, read_sop_text
from tests.support.sop_files import ROOT

SOPS = [FULL, *(path.read_text(encoding="utf-8") for path in sorted(ROOT.glob("sops/*/sop.yaml")))]


def arrows(graph: Graph) -> set[tuple[str, str, str]]:
    return {(edge.source, edge.target, edge.label) for edge in graph.edges}


def test_loops_lead_back_and_branches_fork():
    found = arrows(step_graph(changed_full()))
    assert ("look", "dose", "") in found
    assert ("measure", "titrate", "") in found
    assert ("titrate", "add", "no, at most 5 rounds") in found
    assert ("titrate", "add_level", "yes") in found
    assert ("levels", "add_level", "next value") in found
    assert {("dilute", "add_solvent", "yes"), ("dilute", "rest", "no")} <= found
    assert {("add_solvent", "rinse", ""), ("rest", "rinse", ""), ("rinse", "_end", "")} <= found
    assert {("levels", "stop_heat", "done"), ("levels", "last_reading", "done")} <= found


def test_a_branch_without_another_way_goes_on():
    start, end = FULL.index("      else:\n"), FULL.index("  - id: rinse\n")
    found = arrows(step_graph(read_sop_text(FULL[:start] + FULL[end:])))
    assert ("dilute", "rinse", "no") in found


def test_needs_count_and_circles_do_not_hang():
    found = arrows(
        step_graph(changed_full(("    settle: 30 s", "    settle: 30 s\n    needs: []")))
    )
    assert not any(target == "warm" for _, target, _ in found)
    circle = changed_full(("    settle: 30 s", "    settle: 30 s\n    needs: [titrate]"))
    assert len(step_graph(circle).nodes) == len(step_graph(changed_full()).nodes)


@pytest.mark.parametrize("text", SOPS)
def test_rows_go_down_and_boxes_do_not_touch(text):
    graph = step_graph(read_sop_text(text))
    rows = layers(graph)
    assert all(rows[e.source] < rows[e.target] for e in graph.edges if not e.back)
    root = ET.fromstring(svg(graph))
    names = {"x": "{http://www.w3.org/2000/svg}"}
    boxes: list[tuple[float, float, float, float]] = []
    for rect in root.iter(f"{names['x']}rect"):
        x, y, w, h = (float(rect.attrib[key]) for key in ("x", "y", "width", "height"))
        boxes.append((x, y, x + w, y + h))
    for shape in root.iter(f"{names['x']}polygon"):
        points = [tuple(map(float, pair.split(","))) for pair in shape.attrib["points"].split()]
        xs, ys = zip(*points, strict=True)
        boxes.append((min(xs), min(ys), max(xs), max(ys)))
    assert len(boxes) == len(graph.nodes)
    for a, b in itertools.combinations(boxes, 2):
        assert a[2] < b[0] or b[2] < a[0] or a[3] < b[1] or b[3] < a[1]
    width, height = (float(root.attrib[key]) for key in ("width", "height"))
    assert all(
        box[0] >= 0 and box[2] <= width and box[1] >= 0 and box[3] <= height for box in boxes
    )


def test_labels_can_not_become_markup():
    nasty = '"]; click n_a "javascript:alert(1)" <script>alert(1)</script>\\'
    graph = Graph([Node("a", nasty, "step"), Node("b", "x", "end")], [Edge("a", "b", nasty)])
    text = mermaid(graph)
    assert "<" not in text
    assert text.count('"') == 6, "only our own quotes"
    assert "<script>" not in svg(graph)
    assert ET.fromstring(svg(graph)) is not None
    inside = re.findall(r'label="((?:[^"\\]|\\.)*)"', dot(graph))
    assert len(inside) == 3


def test_graphviz_text_names_every_step_and_arrow():
    graph = step_graph(changed_full())
    text = dot(graph)
    assert text.startswith("digraph procedure {")
    assert text.count(" -> ") == len(graph.edges)
    assert '"dilute" [label="last_reading.conductivity > 10 mS/cm?", shape=diamond];' in text


def test_an_empty_graph_is_drawn_too():
    assert ET.fromstring(svg(Graph())) is not None
