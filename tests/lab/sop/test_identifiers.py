"""Names in databases: what has the right form and check digit passes, one slip of the pen does not."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from lab.sop.identifiers import Cas, Cid, HazardCode, InchiKey, Orcid, Smiles


def accepted(kind: Any, text: str) -> bool:
    adapter: TypeAdapter[str] = TypeAdapter(kind)
    try:
        adapter.validate_python(text)
    except ValidationError as error:
        (detail,) = error.errors()
        assert detail["type"] == "quantity"
        assert detail.get("ctx", {})["hint"]
        return False
    return True


@pytest.mark.parametrize("text", ["96-49-1", "7732-18-5", "7447-40-7", "21324-40-3", "623-53-0"])
def test_cas(text: str) -> None:
    assert accepted(Cas, text)
    for digit in "0123456789":
        assert accepted(Cas, text[:-1] + digit) == (digit == text[-1])


@pytest.mark.parametrize("text", ["", "7732185", "7732-18-55", "7732-1-5", "water", "\u0667-18-5"])
def test_what_is_no_cas_number(text: str) -> None:
    assert not accepted(Cas, text)


@pytest.mark.parametrize(
    "text", ["0000-0002-1825-0097", "0000-0001-5109-3700", "0000-0002-1694-233X"]
)
def test_orcid(text: str) -> None:
    assert accepted(Orcid, text)
    for digit in "0123456789X":
        assert accepted(Orcid, text[:-1] + digit) == (digit == text[-1])


@given(st.integers(0, 13))
def test_two_neighbouring_digits_swapped_are_no_orcid(place: int) -> None:
    digits = list("0000000218250097")
    digits[place], digits[place + 1] = digits[place + 1], digits[place]
    text = "-".join("".join(digits[n : n + 4]) for n in (0, 4, 8, 12))
    assert accepted(Orcid, text) == (text == "0000-0002-1825-0097")


def test_inchikey() -> None:
    assert accepted(InchiKey, "XLYOFNOQVPJJNP-UHFFFAOYSA-N")
    for text in ("XLYOFNOQVPJJNP", "xlyofnoqvpjjnp-uhfffaoysa-n", "InChI=1S/H2O/h1H2"):
        assert not accepted(InchiKey, text)


@pytest.mark.parametrize(
    "text",
    [
        "O", "[Cl-].[K+]", "CCOC(C)=O", "C1COC(=O)O1", "c1ccccc1", "F[P-](F)(F)(F)(F)F.[Li+]", "N[C@@H](C)C(=O)O",
        "C%12CCCCC%12", "[13CH4]", "[Cu++]", "[Fe+3]", "F/C=C/F", "c1cc[nH]c1", "[O-][n+]1ccccc1", "C[Si](C)(C)Cl",
    ],
)  # fmt: skip
def test_smiles(text: str) -> None:
    assert accepted(Smiles, text)


@pytest.mark.parametrize(
    "text", ["", "C(", "C)", "C1CC", "[Cl-", "water!", "Na Cl", "[]", "1CC1", "()", "C(C))("]
)
def test_what_is_no_smiles(text: str) -> None:
    assert not accepted(Smiles, text)


@given(st.text(max_size=40))
def test_any_text_is_judged(text: str) -> None:
    for kind in (Cas, Cid, HazardCode, InchiKey, Orcid, Smiles):
        accepted(kind, text)


def test_compound_ids() -> None:
    assert accepted(Cid, "6342")
    for text in ("", "0", "CID6342", "63 42", "-1"):
        assert not accepted(Cid, text)


@pytest.mark.parametrize("text", ["H226", "P280", "EUH066", "H360Fd", "P301+P310", "H300 + H310"])
def test_hazards(text: str) -> None:
    assert accepted(HazardCode, text)


@pytest.mark.parametrize("text", ["H2226", "h226", "226", "flammable", "H226+H314", "P999", ""])
def test_what_is_no_hazard_code(text: str) -> None:
    assert not accepted(HazardCode, text)
