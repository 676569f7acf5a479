"""The procedure of docs/how-to/write_an_sop.md passes the check, and the finding it prints is the real one."""

from __future__ import annotations

import re
from pathlib import Path

from lab.app.check import check_files

GUIDE = Path(__file__).parents[2] / "docs" / "how-to" / "write_an_sop.md"


def blocks(language: str) -> list[str]:
    text = GUIDE.read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def findings(folder: Path, text: str) -> list[str]:
    path = folder / "my_sop.yaml"
    path.write_text(text, encoding="utf-8")
    return [
        found.text().replace(f"{folder}/", "") for found in check_files((path,)) if found.blocking
    ]


def test_the_printed_procedure_has_no_finding(tmp_path: Path):
    assert findings(tmp_path, "\n".join(blocks("yaml"))) == []


def test_the_printed_finding_is_what_the_check_says(tmp_path: Path):
    wrong = "\n".join(blocks("yaml")).replace("maximum: 8 mL", "maximum: 8 g")
    assert [found + "\n" for found in findings(tmp_path, wrong)] == blocks("text")
