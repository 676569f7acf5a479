"""Molecules as numbers: descriptors that RDKit computes from SMILES. Needs the extra `chem`.

The numbers are kept, in a campaign's journal or its saved state, so that nothing is computed again (perhaps by another
version of RDKit) when it goes on.
"""

# RDKit's own stubs have holes.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import math
from typing import TYPE_CHECKING, cast

from lab.domain.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rdkit.Chem import Mol

__all__ = ["describe", "molecule_problem"]

_NOT_USED = ("Ipc",)
"""Grows so fast with the molecule that it says its size and nothing else (`AvgIpc` is used)."""


def molecule_problem(smiles: str) -> str:
    """Why a SMILES can't be read, in words; empty if it can. InputError without RDKit."""
    if not smiles.strip():
        return "it is empty"
    try:
        from rdkit import Chem, rdBase
    except ImportError as error:
        raise InputError(
            "molecules need RDKit, which is not installed",
            hint="pip install -c constraints.txt 'labwright[chem]'",
        ) from error
    with rdBase.BlockLogs():
        whole = cast("Mol | None", Chem.MolFromSmiles(smiles))
        if whole is not None:
            return ""
        raw = cast("Mol | None", Chem.MolFromSmiles(smiles, sanitize=False))
        found = [] if raw is None else Chem.DetectChemistryProblems(raw)
    if not found:
        return "brackets, rings or symbols that do not fit together"
    return "; ".join(str(problem.Message()) for problem in found)


def describe(smiles: Mapping[str, str]) -> tuple[tuple[str, ...], dict[str, tuple[float, ...]]]:
    """The names of what RDKit computes for all of these molecules (choice -> SMILES) and what is not the same for all, and
    for each choice its numbers. InputError for a SMILES that can't be read.
    """
    for choice, text in smiles.items():
        problem = molecule_problem(text)
        if problem:
            raise InputError(
                f'the SMILES "{text}" of {choice} can\'t be read: {problem}',
                hint='write for instance "CCOC(C)=O"; ions and metals stand in brackets: "[K+].[Cl-]"',
            )
    from rdkit import Chem, rdBase
    from rdkit.Chem import Descriptors

    rows: list[dict[str, float]] = []
    with rdBase.BlockLogs():
        for text in smiles.values():
            # written anew first: the last digits of some numbers depend on the order of the atoms
            written = Chem.MolToSmiles(Chem.MolFromSmiles(text))
            found = Descriptors.CalcMolDescriptors(Chem.MolFromSmiles(written))
            rows.append({name: _rounded(value) for name, value in found.items()})
    names = [
        name
        for name in (rows[0] if rows else ())
        if name not in _NOT_USED
        and all(math.isfinite(row[name]) for row in rows)
        and len({row[name] for row in rows}) > 1
    ]
    numbers = (tuple(row[name] for name in names) for row in rows)
    return tuple(names), dict(zip(smiles, numbers, strict=True))


def _rounded(value: float) -> float:
    """To six digits: more are noise, and make a journal large."""
    return float(f"{value:.6g}")
