"""The tutorial's blocks, run one after the other as a reader would."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

PAGE = Path(__file__).parents[2] / "docs" / "tutorial" / "optimise_without_a_lab.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.S | re.M)


def _measure(row: dict[str, float]) -> float:
    """An esterification that nobody has ever seen: best at 75 degC in ethanol."""
    solvent = {"water": 0.0, "ethanol": 30.0, "toluene": 15.0}[str(row["solvent"])]
    return solvent + 50 - ((row["temperature"] - 75) / 10) ** 2 - (row["acid"] - 1.2) ** 2


def test_every_block_runs_and_says_what_the_page_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"measure": _measure}
    assert len(BLOCKS) == 15
    for block in BLOCKS:
        exec(compile(block, str(PAGE), "exec"), names)
    assert f"``{names['message']}``" in PAGE.read_text(encoding="utf-8")
    assert "as" in str(names["trust"])
    assert set(names["shares"]) == {"temperature", "cycles", "solvent", "acid", "salt"}  # pyright: ignore[reportArgumentType]
    assert 0.0 <= names["left"].probability <= 1.0  # pyright: ignore[reportAttributeAccessIssue]
    assert names["same"] is True
    table = names["table"]
    assert len(table) == 18  # 2 known, 12 told, 1 held, 1 rejected, 2 asked at the end  # pyright: ignore[reportArgumentType]
    assert table["status"].value_counts().to_dict() == {  # pyright: ignore[reportIndexIssue]
        "done": 14,
        "pending": 3,
        "aborted": 1,
    }
    assert names["tomorrow"]["solvent"].tolist() == ["ethanol"]  # pyright: ignore[reportIndexIssue]
    later = table.loc[17:]  # pyright: ignore[reportAttributeAccessIssue]
    assert "toluene" not in later["solvent"].tolist()
    assert names["best"].value > 60  # pyright: ignore[reportAttributeAccessIssue]
    aim, front = names["aim"], names["several"].front  # pyright: ignore[reportAttributeAccessIssue]
    assert names["front"] == [record.number for record in front]
    assert front
    assert all(aim.keeps(record.outcomes) for record in front)  # pyright: ignore[reportAttributeAccessIssue]
    assert names["volume"] > 0.0  # pyright: ignore[reportOperatorIssue]
    assert names["chosen"]["temperature"].isin([30, 60]).all()  # pyright: ignore[reportIndexIssue]
    assert 1 <= names["used"] <= 6  # pyright: ignore[reportOperatorIssue]
    assert any("correlates" in words for words in names["unused"])  # pyright: ignore[reportGeneralTypeIssues]
    assert names["favourite"] == names["second"]
    assert names["campaign"].history[-1].side == "above"  # pyright: ignore[reportAttributeAccessIssue]
    assert names["clearest"].value == 0.0  # pyright: ignore[reportAttributeAccessIssue]
