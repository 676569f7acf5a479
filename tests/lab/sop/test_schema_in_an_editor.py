"""What an editor says about an SOP: the real server behind most editors' YAML support reads our schema."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.language_server import LanguageServer, yaml_language_server
from tests.support.sop_files import EXAMPLE, ROOT, changed, example

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.slow, pytest.mark.system]

SOP = EXAMPLE / "sop.yaml"
BLOCKS = """\
procedure:
  - id: titrate
    title: Titrate
    repeat:
      max_iterations: 3
      steps:
        - id: weigh
          title: Weigh
          equipment: balance
          action: weigh
          duration: 8 s
          timeout: 60 s
"""
"""A procedure with a step in a loop, in place of the example's."""


@pytest.fixture(scope="module")
def server() -> Iterator[LanguageServer]:
    with LanguageServer(yaml_language_server(), ROOT) as started:
        yield started


def with_procedure(text: str) -> str:
    before, _, rest = example("sop").partition("procedure:\n")
    return before + text + "\nderived:" + rest.partition("\nderived:")[2]


def line_of(text: str, part: str) -> int:
    return text[: text.index(part)].count("\n")


def test_a_good_file_has_no_finding(server):
    assert server.open(SOP, example("sop")) == []
    assert server.open(EXAMPLE / "inside.yaml", with_procedure(BLOCKS)) == []


@pytest.mark.parametrize("where", ["plain", "in a loop"])
def test_an_unknown_key_is_said_on_its_line_and_nothing_else(server, where):
    text = (
        changed("sop", ("duration: 40 s", "duration: 40 s\n    durration: 41 s"))
        if where == "plain"
        else with_procedure(BLOCKS).replace(
            "action: weigh", "action: weigh\n          durration: 1 s"
        )
    )
    (found,) = server.open(EXAMPLE / f"unknown_{where[:5]}.yaml", text)
    assert found["range"]["start"]["line"] == line_of(text, "durration")
    assert "durration" in found["message"]
    assert "not allowed" in found["message"]


def test_a_wrong_value_and_a_missing_key_are_said_of_that_kind_of_item(server):
    text = with_procedure(BLOCKS.replace("max_iterations: 3", "max_iterations: many"))
    (found,) = server.open(EXAMPLE / "wrong.yaml", text)
    assert found["range"]["start"]["line"] == line_of(text, "many")
    text = with_procedure(BLOCKS.replace("          timeout: 60 s\n", ""))
    (found,) = server.open(EXAMPLE / "missing.yaml", text)
    assert 'Missing property "timeout"' in found["message"]


def test_a_step_is_completed(server):
    text = with_procedure(BLOCKS + "          \n")
    path = EXAMPLE / "completion.yaml"
    server.open(path, text)
    offered = server.completion(path, line_of(text, "          timeout: 60 s") + 1, 10)
    assert {"on_error", "checks", "with", "needs", "outputs", "resume"} <= set(offered)
    assert not {"max_iterations", "sop_format", "equipment"} & set(offered)


def test_a_new_item_offers_the_keys_of_steps_and_of_blocks(server):
    text = "\n".join((*with_procedure("procedure:\n  - id: begin\n    ").split("\n"),))
    path = EXAMPLE / "new_item.yaml"
    server.open(path, text)
    offered = set(server.completion(path, line_of(text, "  - id: begin") + 1, 4))
    assert {"title", "equipment", "action", "duration", "timeout", "checks", "on_error"} <= offered
    assert {"manual", "stage", "parallel", "repeat", "for_each", "branch", "call"} <= offered


def test_hovering_tells_what_a_key_means(server):
    text = with_procedure(BLOCKS)
    path = EXAMPLE / "hover.yaml"
    server.open(path, text)
    for part, said in (
        ("timeout: 60 s", "the outcome is asked for"),
        ("max_iterations", "ends after so many rounds"),
        ("supervision: remote", "Who must watch"),
    ):
        line = line_of(text, part)
        column = text.split("\n")[line].index(part) + 2
        assert said in server.hover(path, line, column)


def test_the_schema_is_the_one_that_the_first_line_names(server):
    text = example("sop").replace(
        "../../schemas/sop.schema.json", "../../schemas/lab.schema.json", 1
    )
    found = server.open(EXAMPLE / "other_schema.yaml", text)
    assert any("sop_format" in item["message"] for item in found)
    text = example("sop").split("\n", 1)[1].replace("sop_format: 1", "sop_format: 1\nnonsense: 1")
    assert server.open(EXAMPLE / "no_schema.yaml", text) == [], (
        "without that line nothing is checked"
    )
