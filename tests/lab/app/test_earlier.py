"""Earlier campaigns, from a table and from the same records, into the journal of a new one and to its optimiser."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from lab.app.check import check_files
from lab.app.earlier import earlier_of
from lab.app.files import open_campaign
from lab.app.optimiser import suggest_from_state
from lab.app.options import RunOptions
from lab.app.run import run_campaign
from lab.domain import event as ev
from lab.domain.errors import FindingsError, InputError
from lab.domain.ids import sha256_text
from lab.domain.reduce import reduce
from lab.domain.state import LabState
from lab.optimize.recorded import options_of
from lab.records.reader import open_records

EXAMPLE = Path(__file__).parents[3] / "sops" / "electrolyte_conductivity"
TABLE = """dilute_volume [uL],concentrate_volume [mL],conductivity [mS/cm],failed
0,0.5,2.67,
2000,1.5,7.01,
500,2.5,7.96,
1500,3.5,9.10,
0,6.0,,a line drew air
3000,4.0,9.39,
1000,5.0,9.48,
"""
NAMED = "earlier:\n  - {name: spring, file: spring.csv}\n"


def _folder(folder: Path, named: str = NAMED, table: str = TABLE, trials: int = 3) -> Path:
    folder.mkdir(exist_ok=True)
    for name in ("sop.yaml", "lab.yaml"):
        shutil.copy(EXAMPLE / name, folder)
    (folder / "spring.csv").write_text(table)
    text = (EXAMPLE / "campaign.yaml").read_text()
    text = text.replace("fixed:\n", f"{named}fixed:\n", 1).replace("initial: 6", "initial: 2")
    text = text.replace("trials: 24", f"trials: {trials}").replace("batch: 2", "batch: 1")
    path = folder / "campaign.yaml"
    path.write_text(text)
    return path


def _run(path: Path, seed: int = 3, **more: object):
    database = str(path.parent / "records.db")
    run_campaign(RunOptions(campaign=path, virtual=True, seed=seed, database=database, **more))  # pyright: ignore[reportArgumentType]
    return database


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> str:
    """One campaign that was taught by a table, and one that was taught by that one."""
    folder = tmp_path_factory.mktemp("earlier")
    made = _run(_folder(folder))
    (folder / "spring.csv").unlink()
    again = "earlier:\n  - {name: before, campaign: electrolyte-1}\n"
    path = folder / "campaign.yaml"
    path.write_text(path.read_text().replace(NAMED, again))
    assert _run(path) == made
    return made


def test_what_a_table_said_is_in_the_journal_and_known_to_the_optimiser(database: str):
    with open_records(database) as records:
        spec = records.state().campaigns["electrolyte-1"].spec
        entry = records.state().campaigns["electrolyte-1"]
    (one,) = spec.earlier
    assert (one.name, one.source, one.sha256) == ("spring", "spring.csv", sha256_text(TABLE))
    assert len(one.results) == 7
    assert one.results[1].factors == pytest.approx(
        {"concentrate_volume": 1.5, "dilute_volume": 2.0}
    )
    assert one.results[1].value == 7.01
    assert (one.results[4].value, one.results[4].failure) == (None, "a line drew air")
    (told,) = options_of(entry).earlier
    assert [record.status for record in told.history].count("failed") == 1
    assert entry.trials[1].note == "earlier campaigns expect the best here"
    assert "earlier campaigns" not in entry.trials[2].note


def test_ends_of_ranges_of_a_table_are_told_as_such(tmp_path: Path):
    path = _folder(tmp_path, table=TABLE.replace("1500,3.5,9.10,", "1500,3.5,> 9.10,"))
    (one,) = earlier_of(open_campaign(path), path, LabState())
    assert [result.beyond for result in one.results if result.beyond] == [{"conductivity": "above"}]
    assert one.results[3].value == 9.10


def test_a_replay_asks_for_the_same_without_the_file(database: str):
    state, replayed = LabState(), 0
    with open_records(database) as records:
        for record in records.events():
            event = record.event
            if isinstance(event, ev.TrialProposed):
                (again,) = suggest_from_state(state, event.campaign, 1)
                assert dict(again.factors) == event.factors
                assert again.predicted_mean == event.predicted_mean
                replayed += 1
            state = reduce(state, record)
    assert replayed == 6


def test_a_campaign_of_the_same_records_teaches_the_next_one(database: str):
    with open_records(database) as records:
        state = records.state()
    before = state.campaigns["electrolyte-1"]
    (one,) = state.campaigns["electrolyte-2"].spec.earlier
    assert (one.name, one.source, one.sha256) == ("before", "electrolyte-1", "")
    assert [(r.factors, r.value) for r in one.results] == [
        (dict(trial.factors), trial.value) for trial in before.trials.values()
    ]
    assert (
        state.campaigns["electrolyte-2"].trials[1].note == "earlier campaigns expect the best here"
    )


def test_a_campaign_that_has_begun_needs_no_table_any_more(tmp_path: Path):
    path = _folder(tmp_path / "lost")
    (path.parent / "spring.csv").unlink()
    assert open_campaign(path, earlier=False).bundle.earlier == {}
    with pytest.raises(FindingsError):
        open_campaign(path)
    options = RunOptions(
        campaign=path, virtual=True, resume=True, database=str(tmp_path / "records.db")
    )
    with pytest.raises(InputError, match="no unfinished campaign"):
        run_campaign(options)


def test_a_factor_that_the_campaign_alone_knows_has_its_column(tmp_path: Path):
    table = TABLE.replace("failed\n", "failed,humidity [percent]\n")
    told = "\n".join(f"{line},40" if line[:1].isdigit() else line for line in table.split("\n"))
    path = _folder(tmp_path / "humid", table=told)
    own = "factors:\n  humidity: {minimum: 20 percent, maximum: 70 percent, context: {}}\n"
    path.write_text(path.read_text().replace("factors:\n", own, 1))
    files = open_campaign(path)
    (one,) = earlier_of(files, path, LabState())
    assert one.results[0].factors == {"humidity": 40.0, "concentrate_volume": 0.5, "dilute_volume": 0.0}  # fmt: skip
    (path.parent / "spring.csv").write_text(told.replace("[percent]", "[mL]"))
    with pytest.raises(FindingsError):
        open_campaign(path)


@pytest.mark.parametrize(
    ("named", "table", "words", "place"),
    [
        (NAMED, TABLE.replace("[mL]", "[g]"), "is measured in mL, not in g", ("spring.csv", 1, 20)),
        (NAMED, TABLE.replace("conductivity [mS/cm]", "mass [g]"), "neither a factor", ("spring.csv", 1, 44)),
        (NAMED, TABLE.replace("7.96", ""), 'no value of "conductivity"', ("spring.csv", 4, 9)),
        (NAMED.replace("spring.csv", "summer.csv"), TABLE, "there is no file", ("campaign.yaml", 13, 26)),
        (NAMED.replace("spring.csv", "../../s.csv"), TABLE, "leads out", ("campaign.yaml", 13, 26)),
    ],
)  # fmt: skip
def test_a_wrong_table_is_told_at_its_place(
    tmp_path: Path, named: str, table: str, words: str, place: tuple[str, int, int]
):
    path = _folder(tmp_path / "wrong", named, table)
    found = [item for item in check_files((path,)) if item.blocking]
    (first, *_) = [item for item in found if words in item.message]
    assert (Path(first.file).name, first.line, first.column) == place


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"campaign": "electrolyte-7"}, 'these records hold no campaign "electrolyte-7"'),
        ({"factors": ("concentrate_volume",)}, '"electrolyte-1" did not vary dilute_volume'),
        ({"unit": "K"}, '"electrolyte-1" has concentrate_volume in K, and this campaign in mL'),
        ({"objective": "mass"}, '"electrolyte-1" did not seek conductivity'),
        ({"failed": True}, 'no trial of "electrolyte-1" has given a value'),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_a_campaign_that_can_not_teach_is_told_where_it_is_named(
    tmp_path: Path, database: str, changes: dict[str, object], words: str
):
    named = (
        f"earlier:\n  - {{name: before, campaign: {changes.get('campaign', 'electrolyte-1')}}}\n"
    )
    path = _folder(tmp_path / "named", named)
    with pytest.raises(FindingsError) as refused:
        earlier_of(open_campaign(path), path, _changed(database, changes))
    (found,) = refused.value.diagnostics
    assert words in found.message
    assert found.hint
    assert (found.code, found.line, found.column) == ("earlier", 13, 30)


def _changed(database: str, changes: dict[str, object]) -> LabState:
    """The first campaign with another start, or without results."""
    state = LabState()
    with open_records(database) as records:
        for record in records.events():
            event = record.event
            if isinstance(event, ev.CampaignStarted):
                if event.campaign != "electrolyte-1":
                    break
                event = _start(event, changes)
            if isinstance(event, ev.TrialCompleted) and changes.get("failed"):
                event = ev.TrialFailed(campaign="electrolyte-1", trial=event.trial, reason="spilt")
            state = reduce(state, record.model_copy(update={"event": event}))
    return state


def _start(event: ev.CampaignStarted, changes: dict[str, object]) -> ev.CampaignStarted:
    kept = changes.get("factors", tuple(factor.name for factor in event.factors))
    assert isinstance(kept, tuple)
    factors = [factor for factor in event.factors if factor.name in kept]
    if "unit" in changes:
        factors[0] = factors[0].model_copy(update={"unit": changes["unit"]})
    result = changes.get("objective", event.objective.result)
    objective = event.objective.model_copy(update={"result": result})
    return event.model_copy(update={"factors": tuple(factors), "objective": objective})
