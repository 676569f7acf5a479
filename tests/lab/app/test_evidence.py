"""How far a model can be trusted, from records and from a table: numbers, page and picture."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest
from typer.testing import CliRunner

from lab.app.evidence import evidence_lines, evidence_of_table, write_evidence
from lab.cli.main import app
from lab.domain.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from lab.optimize.evidence import Evidence

RUN = CliRunner()


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty experiments of a smooth response, one of them wrong by far."""
    path = tmp_path_factory.mktemp("table") / "old.csv"
    rows = ["a,b,yield <%>"]
    for k in range(40):
        a, b = (k * 0.618) % 1.0, (k * 0.414) % 1.0
        value = math.sin(3 * a) + 0.2 * b + 0.02 * math.cos(91 * k) + (4.0 if k == 20 else 0.0)
        rows.append(f"{a:.4f},{b:.4f},{value:.5f}")
    path.write_text("\n".join(rows) + "\n")
    return path


@pytest.fixture(scope="module")
def found(table: Path) -> Evidence:
    return evidence_of_table(table, "yield <%>")[0]


def test_the_wrong_experiment_is_named_first(found: Evidence):
    lines = evidence_lines(found, "yield")
    assert len(found.left_out) == 40
    assert lines[0] == "each of 40 outcomes of yield, predicted from all the others:"
    (worst,) = [line for line in lines if "z = " in line][:1]
    assert worst.strip().startswith("trial 21: ")
    assert any(line.strip().startswith("a ") and "of what varies" in line for line in lines)


def test_a_page_stands_by_itself_and_shows_every_trial(found: Evidence, tmp_path: Path):
    target = tmp_path / "deep" / "e.html"
    write_evidence(found, "yield <%>", target)
    text = target.read_text()
    assert "<h1>How far to trust the model of yield &lt;%&gt;</h1>" in text
    assert "http://" not in text.replace("http://www.w3.org", "")
    assert "<script" not in text
    svg = ET.fromstring(text[text.index("<svg") : text.index("</svg>") + 6])
    dots = list(svg.iter("circle"))
    assert len(dots) == 40
    for dot, trial in zip(dots, found.left_out, strict=True):
        assert 0 < float(dot.attrib["cx"]) < 480
        assert 0 < float(dot.attrib["cy"]) < 480
        assert trial.standard_deviation > 0
    # both axes have one scale: a greater measured value lies farther right, a greater prediction higher
    by_value = sorted(zip(found.left_out, dots, strict=True), key=lambda pair: pair[0].value)
    rights = [float(dot.attrib["cx"]) for _, dot in by_value]
    assert rights == sorted(rights)
    by_mean = sorted(zip(found.left_out, dots, strict=True), key=lambda pair: pair[0].mean)
    heights = [-float(dot.attrib["cy"]) for _, dot in by_mean]
    assert heights == sorted(heights)


def test_a_picture_is_drawn(found: Evidence, tmp_path: Path):
    write_evidence(found, "yield", tmp_path / "e.png")
    assert (tmp_path / "e.png").read_bytes().startswith(b"\x89PNG")


def test_another_ending_is_refused(found: Evidence, tmp_path: Path):
    for name in ("e.pdf", "e"):
        with pytest.raises(InputError, match="a plot as"):
            write_evidence(found, "yield", tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_from_the_command_line(table: Path, tmp_path: Path):
    target = tmp_path / "e.html"
    result = RUN.invoke(
        app,
        ["optimise", "evidence", "--data", str(table), "--objective", "yield <%>", "--out", str(target)],
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "mean squared z" in result.output
    assert target.is_file()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--data", "t.csv"], "--data without --objective"),
        (["--objective", "y"], "belong to --data"),
        (["--data", "t.csv", "--objective", "y", "--db", "a.db"], "choose one of the two"),
    ],
)
def test_what_does_not_go_together_is_wrong_usage(words: list[str], told: str):
    result = RUN.invoke(app, ["optimise", "evidence", *words])
    assert result.exit_code == 2
    assert told in " ".join(result.output.replace("│", " ").split())


def test_two_results_are_too_few(tmp_path: Path):
    path = tmp_path / "few.csv"
    path.write_text("a,y\n1,2\n2,3\n")
    with pytest.raises(InputError, match="say nothing of how good the model is"):
        evidence_of_table(path, "y")
