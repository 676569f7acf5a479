"""What a run's course leaves in the tables, on journals of real plays, in SQLite and in PostgreSQL."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from lab.domain import event as ev
from lab.domain.plan import Binding, Decision, Formula, TimeWindow
from lab.records.columns import COLUMNS, TABLES
from lab.records.journal import Journal
from lab.records.reader import open_records
from tests.golden.plays import PLAYS, timed
from tests.lab.engine.kit import START, plan_of, step
from tests.lab.engine.stage import Script, Stage
from tests.support.plays import RUN, number, picked, run_rich, second

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lab.records.reader import Records


def status_of(records: Records) -> dict[str, tuple[object, ...]]:
    return {str(row["step"]): picked(row, "status", "reason") for row in records.steps(RUN)}


@pytest.mark.parametrize("name", PLAYS)
def test_every_play_fills_tables_with_the_declared_columns_and_types(name: str, opened) -> None:
    kinds = {"text": str, "integer": int, "yes/no": bool, "number": int | float, "json": str}
    with opened(name) as records:
        tables = records.tables(RUN)
        for table, rows in tables.items():
            declared = {column.name: column for column in TABLES[table]}
            for row in rows:
                assert list(row)[: len(declared)] == list(declared)
                assert row["run"] == RUN
                for column, value in row.items():
                    if value is None or column not in declared:
                        continue
                    kind = declared[column].type
                    if kind == "time":
                        assert second(row, column) >= 0
                        continue
                    assert isinstance(value, kinds[kind]), (table, column, value)
                    if kind == "json":
                        json.loads(str(value))
        assert len(tables["steps"]) == len(PLAYS[name][0].steps)
        assert len(tables["windows"]) == len(PLAYS[name][0].timing)
        assert len(tables["quality"]) == len(PLAYS[name][0].quality)


def test_a_table_of_an_empty_journal_has_its_columns(opened) -> None:
    with opened([]) as records:
        for table, rows in records.tables().items():
            assert rows == []
            assert rows.columns == list(COLUMNS[table])


# -- decisions and what they skip -------------------------------------------------------------------


def test_a_loop_tells_each_round_with_what_it_saw_and_what_was_skipped(opened) -> None:
    with opened("loop_ends_early") as records:
        rows = records.decisions(RUN)
        assert [
            picked(row, "decision", "kind", "title", "expression", "value") for row in rows
        ] == [
            ("more[1]", "loop", "until enough", "mass > 4", False),
            ("more[2]", "loop", "until enough", "mass > 4", True),
        ]
        assert [json.loads(str(row["saw"])) for row in rows] == [
            {"mass": {"value": 3.0, "unit": ""}},
            {"mass": {"value": 5.0, "unit": ""}},
        ]
        assert [second(row, "at") for row in rows] == [21.0, 41.0]
        steps = status_of(records)
        assert steps["more[3].dose"] == ("skipped", "more[2] was decided with yes")
        assert steps["stir"] == ("succeeded", "")
        [run] = records.runs()
        assert picked(run, "status", "steps", "steps_succeeded", "steps_skipped") == (
            "succeeded",
            7,
            5,
            2,
        )


def test_a_loop_that_never_ends_is_in_it_with_the_reason(opened) -> None:
    with opened("loop_exhausted") as records:
        assert [row["value"] for row in records.decisions(RUN)] == [False, False, False]
        [run] = records.runs()
        assert picked(run, "status", "reason") == ("failed", "not enough after 3 doses")


def test_a_decision_without_its_measurement_was_none(opened) -> None:
    with opened("decision_without_its_measurement") as records:
        assert records.decisions(RUN) == []
        [run] = records.runs()
        assert "can't be answered" in str(run["reason"])


def test_a_decision_saw_only_what_was_there_at_that_moment(url: str) -> None:
    """Of several outputs the last that is there counts; those that came later were not seen."""
    mass = Binding(outputs=("first.mass", "second.mass"), unit="g")
    rows = ({"x": Binding(value=1.0, unit="s")}, {"x": Binding(outputs=("second.mass",), unit="s")})
    formula = Formula(
        expression="mass > 1 g and mean(x) < 5 s and mode == 'a'",
        names={"mass": mass, "mode": Binding(value="a"), "gone": Binding(outputs=("no.mass",)),
               "twice": Binding(unit="g", formula=Formula(expression="2 * mass", names={"mass": mass}))},
        rows=rows,
    )  # fmt: skip
    decision = Decision(path="is_it", title="Is it?", kind="branch", formula=formula)
    plan = plan_of(step("first", "balance"), step("second", "balance"), decisions=(decision,))
    stage = Stage(plan_of(step("first", "balance")), Script())
    stage.mind.settle()
    events = [
        ev.TrialProposed(campaign="kit-1", trial=1, factors={}, origin="x"),
        ev.RunStarted(campaign="kit-1", run=RUN, trial=1, plan=plan),
        ev.StepSucceeded(run=RUN, step="first", outputs={"mass": 2.5}),
        ev.DecisionMade(run=RUN, decision="is_it", value=True, detail=""),
        ev.StepSucceeded(run=RUN, step="second", outputs={"mass": 9.0}),
    ]
    journal = Journal(url)
    journal.append([(record.event, START) for record in stage.mind.records])
    journal.append([(event, START) for event in events])
    journal.close()
    with open_records(url) as records:
        [row] = records.decisions()
        assert json.loads(str(row["saw"])) == {
            "mass": {"value": 2.5, "unit": "g"},
            "mode": {"value": "a", "unit": ""},
            "twice": {"value": 5.0, "unit": "g"},
            "x": {"values": [1.0], "unit": "s"},
        }


def test_a_compensation_names_what_it_makes_good(opened) -> None:
    with opened("compensate") as records:
        rows = {str(row["step"]): row for row in records.steps(RUN)}
        assert picked(rows["neutralise"], "compensates", "safe_state", "status") == (
            "dose",
            True,
            "succeeded",
        )
        assert picked(rows["cool"], "compensates", "status") == ("weigh", "not_run")
        assert picked(rows["empty"], "compensates", "status") == ("", "succeeded")


# -- what was judged --------------------------------------------------------------------------------


def test_a_window_tells_how_long_it_took_and_by_how_much_it_was_broken(opened) -> None:
    with opened("timing_broken") as records:
        rows = {str(row["window"]): row for row in records.windows(RUN)}
        assert picked(rows["reaction"], "from_mark", "to_mark", "status", "lag_s", "slack_s") == (
            "dose.end",
            "weigh.end",
            "broken",
            115.0,
            -25.0,
        )
        assert picked(rows["rest"], "status", "more_than_s", "slack_s") == ("kept", 60.0, 0.0)
        assert second(rows["reaction"], "at") == 126.0
        # flagged when it could not be kept any more, and when it was broken
        assert picked(records.runs()[0], "status", "windows_broken", "flags") == ("succeeded", 1, 2)


def test_a_broken_window_of_an_aborted_run_is_in_it(opened) -> None:
    with opened("timing_broken_scrap") as records:
        assert [row["status"] for row in records.windows(RUN)] == ["broken", "kept"]
        assert picked(records.runs()[0], "status", "windows_broken") == ("aborted", 1)


def test_how_far_from_the_ideal_and_what_was_never_reached(opened) -> None:
    ideal = TimeWindow(
        name="ideal",
        from_steps=("dose",),
        from_mark="end",
        to_steps=("weigh",),
        to_mark="start",
        ideal_s=4.0,
    )
    never = TimeWindow(
        name="never",
        from_steps=("weigh",),
        from_mark="end",
        to_steps=("stir",),
        to_mark="start",
        less_than_s=9.0,
    )
    plan = plan_of(
        step("dose", "pump"),
        step("weigh", "balance", ("dose",)),
        step("stir", "pump", ("weigh",)),
        timing=(ideal, never),
        stations=(),
    )
    play = Stage(plan, Script({"weigh": ("failed_partial",)})).play()
    with opened(play.mind.records) as records:
        first, last = records.windows(RUN)
        assert picked(first, "status", "lag_s", "deviation_s", "slack_s") == (
            "kept",
            0.0,
            -4.0,
            None,
        )
        assert picked(last, "status", "lag_s", "deviation_s", "at") == (
            "not_reached",
            None,
            None,
            None,
        )


def test_a_window_that_has_begun_is_open_while_the_run_is(opened) -> None:
    mind = Stage(timed(), Script()).mind
    mind.settle()
    mind.propose()
    [dose] = mind.state.open_commands()
    mind.end(dose.command.id)
    with opened(mind.records) as records:
        assert {row["status"] for row in records.windows(RUN)} == {"open"}


@pytest.mark.parametrize(("play", "ending"), [("limit_abort", "aborted"), ("limit_hold", "succeeded")])  # fmt: skip
def test_a_value_beyond_its_limit_tells_by_how_much(play: str, ending: str, opened) -> None:
    with opened(play) as records:
        [row] = records.limits(RUN)
        assert picked(row, "signal", "step", "device", "value", "unit", "minimum", "maximum") == (
            "load",
            "weigh",
            "balance",
            7.0,
            "g",
            None,
            5.0,
        )
        assert row["beyond"] == 2.0
        assert [flag["flag"] for flag in records.flags(RUN)] == ["limit"]
        assert records.runs()[0]["status"] == ending


def test_values_within_their_limits_are_no_rows(opened) -> None:
    plan, _ = PLAYS["limit_hold"]
    with opened(Stage(plan, Script({"weigh": ({"mass": 5.0},)})).play().mind.records) as records:
        assert records.limits() == []
        assert len(records.observations(RUN)) == 1


@pytest.mark.parametrize(("play", "ending"), [("quality_flag", "succeeded"), ("quality_fail", "failed")])  # fmt: skip
def test_a_blank_that_is_rejected_tells_why(play: str, ending: str, opened) -> None:
    with opened(play) as records:
        [row] = records.quality(RUN)
        assert picked(row, "name", "check", "status", "value", "unit", "maximum", "limit_unit") == (
            "water",
            "blank",
            "rejected",
            0.7,
            "g",
            0.5,
            "g",
        )
        assert picked(row, "certified_value", "deviation", "coverage_factor") == (None, None, None)
        assert picked(records.runs()[0], "status", "quality_rejected") == (ending, 1)


def test_a_quality_check_that_was_not_come_to_says_so(opened) -> None:
    plan, _ = PLAYS["quality_flag"]
    play = Stage(plan, Script({"blank": ("failed_partial",)})).play()
    with opened(play.mind.records) as records:
        [row] = records.quality(RUN)
        assert picked(row, "status", "value", "at") == ("not_judged", None, None)


# -- the procedure that uses every construct, through the whole house -------------------------------


@pytest.fixture(scope="module")
def rich(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Records]:
    database = tmp_path_factory.mktemp("rich") / "rich.db"
    assert run_rich(database).state == "completed"
    with open_records(database) as records:
        yield records


@pytest.mark.system
def test_postgresql_gives_the_same_tables(
    rich: Records, postgres: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # beside a server's records, the hosts keep their ledger in `.lab`
    assert run_rich(postgres).state == "completed"
    with open_records(postgres) as records:
        assert records.tables() == rich.tables()


def test_the_rich_procedure_leaves_all_of_it(rich: Records) -> None:
    for table in ("decisions", "tasks", "answers", "flags", "windows", "quality"):
        runs = {row["run"] for row in rich.tables()[table]}
        assert runs == {"rich-1/r001", "rich-1/r002"}, table
    decided = {picked(row, "run", "decision"): row for row in rich.decisions()}
    light, strong = (decided[run, "dilution"] for run in ("rich-1/r001", "rich-1/r002"))
    assert (light["value"], strong["value"]) == (False, True)
    saw = json.loads(str(strong["saw"]))
    assert saw["mode"] == {"value": "careful", "unit": ""}
    assert saw["weigh.mass"]["unit"] == "g"
    assert saw["weigh.mass"]["value"] > 8


def test_the_rich_procedure_tells_answers_in_units_and_that_they_are_simulated(
    rich: Records,
) -> None:
    rows = {row["field"]: row for row in rich.answers("rich-1/r001")}
    assert picked(rows["room"], "value", "unit", "prompt") == (22.0, "degC", "Temperature of the room")  # fmt: skip
    assert picked(rows["colour"], "text", "answered_by") == ("clear", "simulated operator")
    assert {row["simulated"] for row in rich.tasks()} == {True}
    room = [row for row in rich.observations() if row["name"] == "room"]
    assert [picked(row, "device", "simulated", "unit") for row in room] == [("operator", True, "degC")] * 2  # fmt: skip


def test_the_rich_procedure_tells_its_standard_and_lots(rich: Records) -> None:
    standard, blank, replicates = rich.quality("rich-1/r001")
    assert picked(standard, "certificate", "certified_value", "coverage_factor", "status") == (
        "KCl 1413",
        1.413,
        2.0,
        "rejected",
    )
    assert standard["deviation"] == pytest.approx(number(standard, "value") - 1.413)
    assert picked(blank, "status", "maximum", "limit_unit") == ("accepted", 0.1, "mS/cm")
    assert picked(replicates, "status", "least", "maximum", "limit_unit") == ("accepted", 3, 1.0, "%")  # fmt: skip
    run = rich.runs()[0]
    assert json.loads(str(run["lots"]))["salt"] == {"stock": "salt", "lot": "24A-0117"}
    fresh = rich.windows("rich-1/r001")[0]
    assert picked(fresh, "window", "ideal_s", "status") == ("fresh", 60.0, "kept")
    assert fresh["deviation_s"] == pytest.approx(number(fresh, "lag_s") - 60.0)
