"""The handbook page as one HTML file that needs no network: for a screen in the laboratory, and for printing."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from markdown_it import MarkdownIt

from lab.sop.graph import step_graph
from lab.sop.graph_svg import svg
from lab.sop.handbook import GRAPH_HEADING, handbook

if TYPE_CHECKING:
    from lab.sop.model import Sop

__all__ = ["handbook_html"]

_STYLE = """\
:root { color-scheme: light; }
body { font: 15px/1.5 system-ui, sans-serif; color: #1b1f24; background: #fff; max-width: 60rem;
  margin: 2rem auto; padding: 0 1.5rem; }
h1 { font-size: 1.8rem; line-height: 1.2; border-bottom: 3px solid #1f4e79; padding-bottom: .4rem; }
h2 { font-size: 1.3rem; margin-top: 2rem; border-bottom: 1px solid #c9d1d9; color: #1f4e79; }
h3 { font-size: 1.1rem; margin: 1.4rem 0 .3rem; } h4, h5, h6 { font-size: 1rem; margin: 1.1rem 0 .3rem; }
h1, h2, h3, h4, h5, h6 { break-after: avoid; }
h3 code, h4 code, h5 code, h6 code { font-weight: normal; color: #57606a; background: none; }
p, ul { margin: .3rem 0 .5rem; } ul { padding-left: 1.4rem; }
code { font: .88em ui-monospace, monospace; background: #f0f3f6; border-radius: 3px; padding: .05em .3em;
  overflow-wrap: anywhere; }
table { border-collapse: collapse; width: 100%; margin: .6rem 0 1rem; font-size: .92em; }
th, td { border: 1px solid #c9d1d9; padding: .3rem .5rem; text-align: left; vertical-align: top; }
th { background: #f0f3f6; } thead:not(:has(th:not(:empty))) { display: none; }
td:first-child code { white-space: nowrap; overflow-wrap: normal; }
tr, li, svg { break-inside: avoid; }
.danger { border: 2px solid #b42318; border-radius: 6px; padding: 0 1rem .4rem; background: #fff8f6; }
.danger h2 { color: #b42318; border: 0; margin-top: .8rem; }
svg.graph { max-width: 100%; height: auto; font: 12px system-ui, sans-serif; }
svg.graph rect, svg.graph polygon { fill: #eef4fa; stroke: #1f4e79; }
svg.graph .manual { fill: #fff4d6; stroke: #9a6700; } svg.graph .call { stroke-width: 3; }
svg.graph .decision, svg.graph .loop { fill: #f0ebfa; stroke: #6639a6; } svg.graph .end { fill: #e6f4ea; stroke: #1a7f37; }
svg.graph .line { fill: none; stroke: #57606a; stroke-width: 1.3; } svg.graph .back { stroke-dasharray: 5 4; }
svg.graph .said { fill: #57606a; font-size: 11px; } svg.graph marker path { fill: #57606a; }
@media print { body { margin: 0; max-width: none; font-size: 11pt; padding: 0; } a { color: inherit; } }
@page { margin: 18mm; }
"""


def handbook_html(sop: Sop, file_sha256: str = "") -> str:
    """The page. Raw HTML is not let through; styles and the picture are inside."""
    reader = MarkdownIt("commonmark", {"html": False}).enable("table")
    body = str(reader.render(handbook(sop, file_sha256, graph=False)))
    body = _framed(body)
    picture = f"<h2>{GRAPH_HEADING}</h2>\n{svg(step_graph(sop))}\n"
    body = body.replace("<h2>Procedure</h2>", f"{picture}<h2>Procedure</h2>", 1)
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(sop.title)}</title>\n<style>\n{_STYLE}</style>\n</head>\n<body>\n{body}</body>\n</html>\n"
    )


def _framed(body: str) -> str:
    """The part about hazards in a frame of its own."""
    before, heading, rest = body.partition("<h2>Hazards and protection</h2>")
    inside, following, after = rest.partition("<h2>")
    return f'{before}<section class="danger">{heading}{inside}</section>\n{following}{after}'
