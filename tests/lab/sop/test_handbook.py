"""The handbook page says all that a person needs, hazards first; no text of an SOP can become markup in it."""

from __future__ import annotations

import hashlib
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from lab.sop.graph import mermaid, step_graph
from lab.sop.handbook import handbook
from lab.sop.handbook_html import handbook_html
from lab.sop.markdown import code, escaped, table
from lab.sop.procedure import sop_sha256
from tests.support.procedures import FULL, changed_full

PAGE = handbook(changed_full(), hashlib.sha256(FULL.encode()).hexdigest())


@pytest.mark.parametrize(
    "said",
    [
        "H225: highly flammable liquid and vapour",
        "**Wear:** safety glasses, gloves.",
        "Someone must be there all the time. At most 2 h without a person.",
        "`stirrer.temperature`: at most 70 degC; else a person decides.",
        "flash point (alcohol, flask): A. Weber answers for it: closed hood",
        "| `total_volume` | Total volume. Volume of the mixture | 5 mL to 12 mL | 10 mL |",
        "CAS 64-17-5, SMILES CCO",
        "................ (required)",
        "stands 150 degC",
        "calibrated within 365 day",
        "### 1 Preparation (`preparation`)",
        "#### 1.2 Dose the alcohol (`dose`)",
        "**By hand:** Is the flask clean and dry?",
        "☐ yes ☐ no",
        "- Done by: ............................ Date: ..............",
        "- Seen by: ............................ Date: ..............",
        "`pump` does `dispense`: volume `total_volume`; rate 20 mL/min.",
        "try again up to 2 times, after 10 s each; then a person decides.",
        "  - Empty the flask: `drain_pump` does `dispense`, volume `total_volume`; rate 20 mL/min; about 40 s.",
        "ramp 5 K/min",
        "Then let it rest for 30 s.",
        "Repeat until `measure.conductivity > 2 mS/cm`, at most 5 times (if it never holds, the run goes on):",
        "Must hold: `conductivity > 0.01 mS/cm`; else the sample is flagged: the probe hangs in air",
        "standard uncertainty 1 percent",
        "For `level` = 1 mL, 2 mL, one after another:",
        "These may be done at the same time:",
        "The data are usable without this step.",
        "**If `last_reading.conductivity > 10 mS/cm`:**",
        "**Otherwise:**",
        "Do as in rinse.yaml, version 1.0.0.",
        "Its equipment `pump` is `drain_pump` here.",
        "Switch the heater off: `stirrer` does `stop`; about 2 s.",
        "from `dose.end` to `warm.start` less than 5 min; else the sample is given up.",
        "certificate NIST SRM 3190, 1.413 mS/cm (± 0.004 mS/cm, k = 2)",
        "A quality-control run after every 10 runs.",
        "(may be missing)",
        "| 1.2.0 | 2026-11-20 | Warmer than before |",
        "- Approved by (B. Okafor): ............................ Date: ..............",
    ],
)  # fmt: skip
def test_it_says(said):
    assert said in PAGE


def test_between_which_values_a_result_can_be_measured():
    text = (
        "unit: dimensionless\n    required: false\n",
        "unit: dimensionless\n    required: false\n    range: {minimum: 1 percent, maximum: 20 percent}\n",
    )
    page = handbook(changed_full(text), "0" * 64)
    assert "(may be missing) (can be measured from 1 percent up to 20 percent)" in page
    assert "can be measured" not in PAGE


def test_hazards_come_first_and_hashes_last():
    headings = re.findall(r"^## (.*)$", PAGE, re.MULTILINE)
    assert headings[0] == "Hazards and protection"
    assert headings.index("Procedure") > headings.index("Materials")
    last = PAGE.rstrip().split("\n")[-2:]
    assert sop_sha256(changed_full()) in last[0]
    assert hashlib.sha256(FULL.encode()).hexdigest() in last[1]
    assert mermaid(step_graph(changed_full())) in PAGE


class Tags(HTMLParser):
    """Which elements and attributes a page has."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.add(tag)
        self.attributes |= {name for name, _ in attrs}


OURS = {
    "html", "head", "meta", "title", "style", "body", "section", "h1", "h2", "h3", "h4", "h5", "h6", "p", "ul", "li",
    "strong", "code", "table", "thead", "tbody", "tr", "th", "td", "hr", "br", "svg", "defs", "marker", "path",
    "rect", "polygon", "text", "tspan",
}  # fmt: skip

NASTY = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "![x](http://example.org/a.png)",
    "[click](javascript:alert(1))",
    "**bold** _em_ `code` ~~~",
    "a | b | c",
    "</style></svg><iframe>",
    "&lt;b&gt; &#60;",
    "1. first",
    "- item",
    "# heading",
    "http://example.org",
    "```",
)


@pytest.mark.parametrize("nasty", NASTY)
def test_texts_of_an_sop_stay_texts(nasty):
    quoted = '"' + nasty.replace("\\", "\\\\").replace('"', '\\"') + '"'
    sop = changed_full(
        ("title: Make an ester, then titrate the acid that is left", f"title: {quoted}"),
        ("name: Ethanol <99.8 %>", f"name: {quoted}"),
        ("notes: Work in the fume hood.", f"notes: {quoted}"),
        ("title: Warm it", f"title: {quoted}"),
        ("prompt: Is the flask clean and dry?", f"prompt: {quoted}"),
        ("message: the probe hangs in air", f"message: {quoted}"),
        ("rate: 20 mL/min", f"rate: {quoted}"),
        ("description: Conductivity of the mixture", f"description: {quoted}"),
    )
    page = handbook_html(sop)
    tags = Tags()
    tags.feed(page)
    assert tags.found <= OURS
    assert not {"src", "href", "onerror", "onclick"} & tags.attributes
    text = _text(page)
    assert text.count(" ".join(nasty.split())) >= 7


def _text(page: str) -> str:
    parts: list[str] = []

    class Texts(HTMLParser):
        def handle_data(self, data: str) -> None:
            parts.append(data)

    reader = Texts(convert_charrefs=True)
    reader.feed(page)
    return " ".join("".join(parts).split())


def test_the_page_needs_no_network():
    page = handbook_html(changed_full())
    assert "default-src 'none'" in page
    assert "<svg" in page
    assert "mermaid" not in page
    assert not re.search(r"(?:src|href)=|url\((?!#tip)|@import", page)


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet=st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=60))
def test_escaped_text_comes_back_as_it_was(text):
    reader = MarkdownIt("commonmark", {"html": False}).enable("table")
    line = " ".join(text.split())
    html = str(reader.render(f"before\n\n{escaped(text)}\n\nafter"))
    tags = Tags()
    tags.feed(html)
    assert tags.found <= {"p"}
    assert " ".join(_text(html).split()) == " ".join(f"before {line} after".split())


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet="ab`|*<& ", max_size=12).filter(str.strip))
def test_code_in_a_cell_shows_what_it_is(text):
    reader = MarkdownIt("commonmark", {"html": False}).enable("table")
    html = str(reader.render("\n".join(table(("A", "B"), [(code(text), "x")]))))
    assert html.count("<td>") == 2
    assert _text(html).split() == ["A", "B", *text.split(), "x"]


def test_empty_columns_and_tables_are_left_out():
    assert table(("A", "B"), []) == []
    assert table(("A", "B"), [("", ""), ("", "")]) == []
    assert table(("A", "B"), [("1", ""), ("2", "")])[0] == "| A |"
