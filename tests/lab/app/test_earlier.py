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

DYES = Path(__file__).parents[3] / "sops" / "dye_matching"
TABLE = """yellow_volume [mL],red_volume [uL],blue_volume [uL],distance,failed
0.010,50,50,1.30,
0.020,40,20,0.81,
0.055,10,10,0.72,
0.040,20,30,0.13,
0.030,30,30,,no tip
0.050,15,25,0.21,
0.045,25,40,0.46,
"""
NAMED = "earlier:\n  - {name: spring, file: spring.csv}\n"


def _folder(folder: Path, named: str = NAMED, table: str = TABLE, trials: int = 3) -> Path:
    folder.mkdir(exist_ok=True)
    for name in ("sop.yaml", "lab.yaml"):
        shutil.copy(DYES / name, folder)
    (folder / "spring.csv").write_text(table)
    text = (DYES / "campaign.yaml").read_text()
    text = text.replace("fixed:\n", f"{named}fixed:\n", 1).replace("initial: 8", "initial: 2")
    text = text.replace("trials: 32", f"trials: {trials}").replace("batch: 2", "batch: 1")
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
    again = "earlier:\n  - {name: before, campaign: dyes-1}\n"
    path = folder / "campaign.yaml"
    path.write_text(path.read_text().replace(NAMED, again))
    assert _run(path) == made
    return made


def test_what_a_table_said_is_in_the_journal_and_known_to_the_optimiser(database: str):
    with open_records(database) as records:
        spec = records.state().campaigns["dyes-1"].spec
        entry = records.state().campaigns["dyes-1"]
    (one,) = spec.earlier
    assert (one.name, one.source, one.sha256) == ("spring", "spring.csv", sha256_text(TABLE))
    assert len(one.results) == 7
    assert one.results[0].factors == pytest.approx(
        {"red_volume": 50.0, "yellow_volume": 10.0, "blue_volume": 50.0}
    )
    assert one.results[0].value == 1.3
    assert (one.results[4].value, one.results[4].failure) == (None, "no tip")
    (told,) = options_of(entry).earlier
    assert [record.status for record in told.history].count("failed") == 1
    assert entry.trials[1].note == "earlier campaigns expect the best here"
    assert "earlier campaigns" not in entry.trials[2].note


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
    before = state.campaigns["dyes-1"]
    (one,) = state.campaigns["dyes-2"].spec.earlier
    assert (one.name, one.source, one.sha256) == ("before", "dyes-1", "")
    assert [(r.factors, r.value) for r in one.results] == [
        (dict(trial.factors), trial.value) for trial in before.trials.values()
    ]
    assert state.campaigns["dyes-2"].trials[1].note == "earlier campaigns expect the best here"


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


@pytest.mark.parametrize(
    ("named", "table", "words", "place"),
    [
        (NAMED, TABLE.replace("[mL]", "[g]"), "is measured in uL, not in g", ("spring.csv", 1, 1)),
        (NAMED, TABLE.replace(",distance", ",absorbance_450"), "neither a factor", ("spring.csv", 1, 51)),
        (NAMED, TABLE.replace("0.13", ""), 'no value of "distance"', ("spring.csv", 5, 13)),
        (NAMED.replace("spring.csv", "summer.csv"), TABLE, "there is no file", ("campaign.yaml", 13, 28)),
        (NAMED.replace("spring.csv", "../../s.csv"), TABLE, "leads out", ("campaign.yaml", 13, 28)),
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
        ({"campaign": "dyes-7"}, 'these records hold no campaign "dyes-7"'),
        ({"factors": ("red_volume", "yellow_volume")}, '"dyes-1" did not vary blue_volume'),
        ({"unit": "K"}, '"dyes-1" has red_volume in K, and this campaign in uL'),
        ({"objective": "volume"}, '"dyes-1" did not seek distance'),
        ({"failed": True}, 'no trial of "dyes-1" has given a value'),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_a_campaign_that_can_not_teach_is_told_where_it_is_named(
    tmp_path: Path, database: str, changes: dict[str, object], words: str
):
    named = f"earlier:\n  - {{name: before, campaign: {changes.get('campaign', 'dyes-1')}}}\n"
    path = _folder(tmp_path / "named", named)
    with pytest.raises(FindingsError) as refused:
        earlier_of(open_campaign(path), path, _changed(database, changes))
    (found,) = refused.value.diagnostics
    assert words in found.message
    assert found.hint
    assert (found.code, found.line, found.column) == ("earlier", 13, 28)


def _changed(database: str, changes: dict[str, object]) -> LabState:
    """The first campaign with another start, or without results."""
    state = LabState()
    with open_records(database) as records:
        for record in records.events():
            event = record.event
            if isinstance(event, ev.CampaignStarted):
                if event.campaign != "dyes-1":
                    break
                event = _start(event, changes)
            if isinstance(event, ev.TrialCompleted) and changes.get("failed"):
                event = ev.TrialFailed(campaign="dyes-1", trial=event.trial, reason="spilt")
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
