"""What the documentation points at exists: links, headings, and every `lab` verb that it names."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "sops").rglob("*.md")])

_FENCE = re.compile(r"^(`{3,})(\w*)[^\n]*\n(.*?)^\1\s*$", re.DOTALL | re.MULTILINE)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_INLINE = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"\[[^\]]*\]\(([^()\s]+)\)")
_COMMAND = re.compile(r"^(?:\$ )?(?:\.venv/bin/)?lab ((?:[a-z][a-z_-]* ?)+)?")


def without_code(text: str) -> str:
    return _INLINE.sub("", _FENCE.sub("", _COMMENT.sub("", text)))


def anchors(text: str) -> set[str]:
    """Headings as GitHub names them."""
    found: set[str] = set()
    for line in _FENCE.sub("", text).splitlines():
        if match := re.match(r"#{1,6}\s+(.*)", line):
            plain = re.sub(r"[^\w\- ]", "", match[1].replace("`", "").lower())
            found.add(plain.strip().replace(" ", "-"))
    return found


def broken_links(page: Path) -> list[str]:
    """Relative links of a page that lead nowhere."""
    text = page.read_text(encoding="utf-8")
    prose = _FENCE.sub("", _COMMENT.sub("", text))
    broken: list[str] = []
    for link in _LINK.findall(prose):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name) if name else page
        if not target.exists() or (
            anchor and anchor not in anchors(target.read_text(encoding="utf-8"))
        ):
            broken.append(link)
    return broken


def commands(text: str) -> Iterator[list[str]]:
    """The words after `lab` wherever code, in a block or in a line, gives a command."""
    text = _COMMENT.sub("", text)
    lines: list[str] = []
    for _, language, body in _FENCE.findall(text):
        if language in ("", "sh", "bash", "console", "text"):
            lines += body.splitlines()
    lines += _INLINE.findall(_FENCE.sub("", text))
    for line in lines:
        if (match := _COMMAND.match(line.strip())) and match[1]:
            yield match[1].split()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_resolve(page: Path):
    assert broken_links(page) == []


def test_a_dead_link_is_found(tmp_path: Path):
    (tmp_path / "there.md").write_text("# A heading: with `code`\n")
    page = tmp_path / "page.md"
    page.write_text(
        "[a](there.md) [b](there.md#a-heading-with-code) [c](gone.md) [d](there.md#nowhere)\n"
        "[e](https://example.org/x) <!-- [f](later.md) -->\n```\n[g](code.md)\n```\n"
    )
    assert broken_links(page) == ["gone.md", "there.md#nowhere"]


def test_every_page_can_be_reached_from_the_index():
    docs = ROOT / "docs"
    seen: set[Path] = set()
    todo = [docs / "index.md"]
    while todo:
        page = todo.pop().resolve()
        if page in seen or page.suffix != ".md":
            continue
        seen.add(page)
        for link in _LINK.findall(without_code(page.read_text(encoding="utf-8"))):
            if not re.match(r"[a-z]+:", link) and (name := link.split("#")[0]):
                todo.append(page.parent / name)
    lost = [page for page in docs.rglob("*.md") if page.resolve() not in seen]
    assert lost == []


def test_commands_are_found_in_blocks_and_lines():
    text = (
        "Use `lab check` or `.venv/bin/lab devices host`.\n"
        "```\n$ lab run x.yaml --json\nlabel this\n```\n"
        "```python\nlab = make()\nlab no_command\n```\n"
        "`lab VERB`, `lab/domain`, `lab.yaml`, `lab --help`\n"
    )
    assert sorted(commands(text)) == [["check"], ["devices", "host"], ["run", "x"]]


@pytest.mark.skipif(find_spec("lab.cli.main") is None, reason="the command line is not there yet")
def test_every_command_named_in_the_docs_exists():
    import typer.main

    from lab.cli.main import app  # pyright: ignore[reportMissingImports]

    verbs = set(vars(typer.main.get_command(app))["commands"])
    assert {"run", "check"} <= verbs
    unknown = [
        f"{page.relative_to(ROOT)}: lab {words[0]}"
        for page in PAGES
        for words in commands(page.read_text(encoding="utf-8"))
        if words[0] not in verbs
    ]
    assert unknown == []


def test_every_command_is_in_the_reference_of_the_command_line():
    import typer.main

    from lab.cli.main import app

    text = (ROOT / "docs" / "reference" / "cli.md").read_text(encoding="utf-8")
    named = {" ".join(words) for words in commands(text)}
    missing: list[str] = []
    for verb, command in vars(typer.main.get_command(app))["commands"].items():
        below = vars(command).get("commands") or {"": None}
        whole = [f"{verb} {name}".strip() for name in below]
        missing += [
            name for name in whole if not any(n == name or n.startswith(f"{name} ") for n in named)
        ]
    assert missing == []


@pytest.mark.parametrize(
    ("model", "heading"),
    [
        ("lab.sop.model:Sop", "sop.yaml"),
        ("lab.sop.model_steps:Step", "sop.yaml"),
        ("lab.sop.model:Parameter", "sop.yaml"),
        ("lab.sop.model_materials:Material", "sop.yaml"),
        ("lab.sop.lab_model:Lab", "lab.yaml"),
        ("lab.sop.lab_model:Station", "lab.yaml"),
        ("lab.sop.lab_model:Stock", "lab.yaml"),
        ("lab.sop.lab_model:Device", "lab.yaml"),
        ("lab.sop.campaign_model:Campaign", "campaign.yaml"),
        ("lab.sop.campaign_model:Objective", "campaign.yaml"),
        ("lab.sop.campaign_model:Strategy", "campaign.yaml"),
        ("lab.sop.campaign_model:Budget", "campaign.yaml"),
    ],
)
def test_every_key_of_the_files_is_in_the_reference(model: str, heading: str):
    module, name = model.split(":")
    fields = getattr(pytest.importorskip(module), name).model_fields
    text = (ROOT / "docs" / "reference" / "files.md").read_text(encoding="utf-8")
    section = text.split(f"## `{heading}`")[1].split("\n## ")[0]
    named = set(re.findall(r"`(\w+)`", section))
    keys = {field.alias or key for key, field in fields.items()}
    assert sorted(keys - named) == []
