"""docs/reference/hazards.md shows what the code knows: its tables are those that are made here from the code."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.sop import reactive_groups
from lab.sop.ghs import all_statements, known_classes
from lab.sop.reactivity import all_incompatibilities, group_words, known_groups
from lab.sop.reactivity_table import SOURCES
from lab.sop.vague import vague_entries
from lab.sop.vague_words import WHY

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "hazards.md"


def table(heads: str, rows: list[list[str]]) -> str:
    columns = heads.split(" | ")
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def code(names) -> str:
    return ", ".join(f"`{name}`" for name in names)


def class_table() -> str:
    rows = []
    for name in known_classes():
        codes = [x.code for x in all_statements() if name in x.classes and "+" not in x.code]
        rows.append([f"`{name}`", ", ".join(codes)])
    return table("class | statements", rows)


def group_table() -> str:
    numbers = {name: number for name, _, number in reactive_groups.GROUPS}
    return table(
        "group | what belongs to it | EPA",
        [[f"`{x}`", group_words(x), numbers[x].replace(" ", ", ")] for x in known_groups()],
    )


def statement_table() -> str:
    rows: dict[str, list[str]] = {}
    for sign, group in reactive_groups.BY_STATEMENT:
        found = [x.code for x in all_statements() if sign in x.classes and "+" not in x.code]
        rows.setdefault(group, []).extend(found or [sign])
    return table(
        "statements | group",
        [[", ".join(dict.fromkeys(codes)), f"`{group}`"] for group, codes in rows.items()],
    )


def pair_table() -> str:
    partners: dict[tuple[str, str], set[str]] = {}
    for item in all_incompatibilities():
        first, second = item.groups
        partners.setdefault((first, item.severity), set()).add(second)
        partners.setdefault((second, item.severity), set()).add(first)
    return table(
        "group | `block` with | `ask` with | `note` with",
        [
            [f"`{x}`", *(code(sorted(partners.get((x, s), ()))) for s in ("block", "ask", "note"))]
            for x in known_groups()
        ],
    )


def why_table() -> str:
    return table("kind | why it is vague", [[kind, words] for kind, words in WHY.items()])


def word_table(*, everywhere: bool) -> str:
    entries = [entry for entry in vague_entries() if entry.everywhere is everywhere]
    return table(
        "word | kind | write instead",
        [[f"`{entry.word}`", entry.kind, entry.instead] for entry in entries],
    )


TABLES = {
    "classes": class_table(),
    "groups": group_table(),
    "statements": statement_table(),
    "pairs": pair_table(),
    "kinds": why_table(),
    "words": word_table(everywhere=True),
    "words for values": word_table(everywhere=False),
}


@pytest.mark.parametrize("name", TABLES)
def test_the_page_shows_what_the_code_knows(name: str):
    text = PAGE.read_text(encoding="utf-8")
    assert TABLES[name] in text, f"the table of {name} should read:\n\n{TABLES[name]}"


def test_a_changed_table_is_noticed():
    assert TABLES["words"].replace("16 h", "17 h") not in PAGE.read_text(encoding="utf-8")


def test_the_page_names_the_sources():
    text = PAGE.read_text(encoding="utf-8")
    for source in SOURCES.values():
        assert source.split(",")[0] in text
