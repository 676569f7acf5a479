"""Each procedure of docs/how-to/loops_people_and_timing.md passes the check, on the header of the page before it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lab.app.check import check_files
from lab.devices.capability import CAPABILITIES
from lab.sop.check import check_sop

if TYPE_CHECKING:
    from lab.domain.diagnostic import Diagnostic

PAGES = Path(__file__).parents[2] / "docs" / "how-to"
_BLOCK = re.compile(r"^```yaml\n(.*?)^```$", re.DOTALL | re.MULTILINE)
HEADER = "\n".join(_BLOCK.findall((PAGES / "write_an_sop.md").read_text(encoding="utf-8"))[:3])
PAGE = (PAGES / "loops_people_and_timing.md").read_text(encoding="utf-8")
PIECES = dict(zip(re.findall(r"^## (.*)$", PAGE, re.MULTILINE), _BLOCK.findall(PAGE), strict=False))


def findings(folder: Path, piece: str) -> list[Diagnostic]:
    path = folder / "my_sop.yaml"
    path.write_text(f"{HEADER}\n{piece}", encoding="utf-8")
    return check_files((path,))


def test_each_part_of_the_page_has_its_procedure() -> None:
    assert list(PIECES) == [
        "Do it again until it is enough",
        "Do it for each value",
        "Go one way or the other",
        "Side by side",
        "Ask a person",
        "When a step fails",
        "Keep times",
    ]
    assert len(_BLOCK.findall(PAGE)) == len(PIECES)


@pytest.mark.parametrize("name", PIECES)
def test_the_printed_procedure_blocks_nothing(name: str, tmp_path: Path) -> None:
    assert [item.text() for item in findings(tmp_path, PIECES[name]) if item.blocking] == []


@pytest.mark.parametrize(
    ("name", "old", "new", "code"),
    [
        ("Do it again until it is enough", "      max_iterations: 3\n", "", "key-missing"),
        ("Do it again until it is enough", "volume: 2 mL", "volume: 8 mL", "overfill"),
        (
            "Go one way or the other",
            "clamp((3 g - weigh.mass) / (1 g/mL), 0.1 mL, 3 mL)",
            "(3 g - weigh.mass) / (1 g/mL)",
            "",
        ),
        ("Ask a person", "type: quantity, unit: degC", "type: quantity, unit: mL", "dimension"),
        ("When a step fails", "then: hold", "then: skip", ""),
        ("Keep times", "less_than: 2 min", "less_than: 5 s", ""),
    ],
)
def test_the_check_refuses_what_the_page_warns_of(
    name: str, old: str, new: str, code: str, tmp_path: Path
) -> None:
    assert old in PIECES[name]
    found = [item for item in findings(tmp_path, PIECES[name].replace(old, new)) if item.blocking]
    assert found
    assert not code or code in {item.code for item in found}


def test_the_loop_is_written_out_as_the_page_says() -> None:
    text = f"{HEADER}\n{PIECES['Do it again until it is enough']}"
    procedure, _ = check_sop(text, "my_sop.yaml", CAPABILITIES)
    assert procedure is not None
    assert procedure.sop.procedure[1].id == "filling"
