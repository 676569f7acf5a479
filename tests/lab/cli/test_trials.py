"""`lab trial`: what is typed reaches the engine, and what makes no sense does not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from lab.cli.main import app
from tests.lab.engine.test_people_trials import People
from tests.support.fake_engine import EngineThread

if TYPE_CHECKING:
    from pathlib import Path

RUN = CliRunner()


def _lab(database: Path, *words: str):
    return RUN.invoke(app, ["trial", *words, "--db", str(database), "--who", "Ada"])


def test_each_verb_reaches_the_engine(tmp_path: Path):
    database = tmp_path / "lab.db"
    mind = People(approval=True)
    mind.suggest()
    with EngineThread(database, mind.records) as engine:
        for words in (
            ("approve", "1"),
            ("reject", "1", "--reason", "no solvent"),
            ("withdraw", "1", "--reason", "the vial leaked"),
            ("withdraw", "-2", "--reason", "another unit"),
            ("edit", "1", "--set", "x=200 uL", "--reason", "a hunch"),
            ("pin", "--set", "x=0.1 mL", "--set", "y = 0.2 mL", "--reason", "a hunch"),
            ("pin", "--set", "x=0.1 mL", "--fidelity", "quick", "--reason", "a hunch"),
            ("veto", "x > 0.9 mL", "--reason", "it leaks"),
            ("context", "--set", "room=21 degC", "--reason", "by the window"),
            ("add", "--set", "x=0.1 mL", "--result", "y=2 g", "--reason", "a paper"),
            ("add", "--set", "x=0.1 mL", "--failed", "solid", "--beyond", "--reason", "a paper"),
        ):
            _lab(database, *words)
    said = [(r.verb, r.reason, dict(r.args)) for r in engine.asked]
    assert said == [
        ("trial", "", {"do": "approve", "trial": 1}),
        ("trial", "no solvent", {"do": "reject", "trial": 1}),
        ("trial", "the vial leaked", {"do": "withdraw", "trial": 1}),
        ("trial", "another unit", {"do": "withdraw", "trial": -2}),
        ("trial", "a hunch", {"do": "edit", "trial": 1, "factors": {"x": "200 uL"}}),
        ("trial", "a hunch", {"do": "pin", "factors": {"x": "0.1 mL", "y": "0.2 mL"}}),
        ("trial", "a hunch", {"do": "pin", "factors": {"x": "0.1 mL"}, "fidelity": "quick"}),
        ("trial", "it leaks", {"do": "veto", "condition": "x > 0.9 mL"}),
        ("trial", "by the window", {"do": "context", "factors": {"room": "21 degC"}}),
        (
            "trial",
            "a paper",
            {
                "do": "add",
                "results": [{"factors": {"x": "0.1 mL"}, "values": {"y": "2 g"}}],
                "source": "",
                "beyond": False,
            },
        ),
        (
            "trial",
            "a paper",
            {
                "do": "add",
                "results": [{"factors": {"x": "0.1 mL"}, "failed": "solid"}],
                "source": "",
                "beyond": True,
            },
        ),
    ]
    assert {r.actor for r in engine.asked} == {"Ada"}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("reject", "1"), "say why"),
        (("withdraw", "1"), "say why"),
        (("withdraw", "--frist", "--reason", "why not"), "valid integer"),
        (("pin", "--set", "x", "--reason", "why not"), "is no setting"),
        (("pin", "--set", "x=1 mL", "--set", "x=2 mL", "--reason", "why not"), "is set twice"),
        (("approve", "first"), "valid integer"),
        (("add", "--set", "x=1 mL", "--result", "y=1 g"), "say why"),
        (("add", "--reason", "a paper"), "give --set and --result"),
        (("add", "--set", "x=1 mL", "--reason", "a paper"), "give what was measured"),
        (
            ("add", "--set", "x=1", "--result", "y=1", "--failed", "no", "--reason", "r"),
            "give what was measured",
        ),
        (("add", "--csv", "a.csv", "--failed", "no", "--reason", "r"), "the table has them"),
    ],
)
def test_what_makes_no_sense_is_wrong_usage(tmp_path: Path, words: tuple[str, ...], told: str):
    result = _lab(tmp_path / "lab.db", *words)
    assert result.exit_code == 2
    assert told in " ".join(result.output.replace("│", " ").split())


def test_an_approval_a_withdrawal_and_a_context_have_a_name(tmp_path: Path):
    for words in (
        ["approve", "1"],
        ["withdraw", "1", "--reason", "the vial leaked"],
        ["context", "--set", "room=21 degC"],
    ):
        result = RUN.invoke(app, ["trial", *words, "--db", str(tmp_path / "lab.db")])
        assert result.exit_code == 2


def test_a_table_is_sent_with_its_lines_and_units(tmp_path: Path):
    database = tmp_path / "lab.db"
    mind = People()
    result = mind.campaign.spec.objective.result
    table = tmp_path / "old.csv"
    table.write_text(f"x [uL],y [mL],{result} [g],failed\n100,0.2,2.5,\n300,0.1,,it set solid\n")
    with EngineThread(database, mind.records) as engine:
        _lab(database, "add", "--csv", str(table), "--reason", "last year")
    (asked,) = engine.asked
    assert asked.args == {
        "do": "add",
        "results": [
            {"line": 2, "cells": {"x": "100.0 uL", "y": "0.2 mL", result: "2.5 g"}},
            {"line": 3, "cells": {"x": "300.0 uL", "y": "0.1 mL"}, "failed": "it set solid"},
        ],
        "source": "old.csv",
        "beyond": False,
    }
    # and the engine takes just that
    assert mind.say("add", "last year", **{k: v for k, v in asked.args.items() if k != "do"})[0]
    assert [item.value for item in mind.campaign.outside] == [2.5, None]
