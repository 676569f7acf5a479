"""A campaign whose choices are given by their SMILES: what reaches the journal, and what is refused where."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from lab.app.files import open_campaign
from lab.domain.errors import FindingsError
from lab.domain.event import ChoiceSpec
from lab.optimize.recorded import make_space

SOPS = Path(__file__).parents[3] / "sops"
DYES = """dye,smiles
red,CN(C)c1ccc(cc1)N=Nc1ccccc1C(O)=O
yellow,Oc1ccccc1
blue,CN(C)c1ccc2nc3ccc(cc3[s+]c2c1)N(C)C.[Cl-]
"""


@pytest.fixture
def campaign(tmp_path: Path) -> Path:
    copy = tmp_path / "sops"
    shutil.copytree(SOPS, copy)
    (copy / "dye_choosing" / "dyes.csv").write_text(DYES, encoding="utf-8")
    return copy / "dye_choosing" / "campaign.yaml"


def test_descriptors_of_the_molecules_are_part_of_the_campaign(campaign: Path):
    files = open_campaign(campaign)
    (dye,) = (factor for factor in files.factors if isinstance(factor, ChoiceSpec))
    assert set(dye.descriptors) == {"red", "yellow", "blue"}
    assert len(set(dye.descriptors.values())) == 3
    (note,) = (item for item in files.bundle.diagnostics if item.file.endswith("dyes.csv"))
    assert note.severity == "note"
    assert (note.line, note.column) == (1, 5)
    width = len(dye.descriptors["red"])
    assert f" {width} are kept" in note.message
    space = make_space(files.factors, files.constraints, files.at_most, ())
    assert space.dimension == width + sum(not isinstance(f, ChoiceSpec) for f in files.factors)


def test_a_molecule_that_can_not_be_read_is_refused_before_anything_runs(campaign: Path):
    table = campaign.parent / "dyes.csv"
    table.write_text(DYES.replace("Oc1ccccc1\n", "Oc1ccccc\n"), encoding="utf-8")
    with pytest.raises(FindingsError) as caught:
        open_campaign(campaign)
    (finding,) = caught.value.diagnostics
    assert Path(finding.file).name == "dyes.csv"
    assert (finding.line, finding.column) == (3, 8)
    assert 'the SMILES "Oc1ccccc" of "yellow"' in finding.message
