"""Names of substances and people in databases, as far as they can be judged without looking them up."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BeforeValidator
from pydantic.types import StringConstraints

from lab.domain.quantity import QuantityError
from lab.sop.fields import quantity_error
from lab.sop.ghs import nearest, statement

__all__ = ["Cas", "Cid", "HazardCode", "InchiKey", "Orcid", "Smiles"]


def _refuse(message: str, hint: str, why: str = "", code: str = "identifier") -> Exception:
    return quantity_error(QuantityError(code, message, hint=hint, why=why))


def _cas(value: object) -> object:
    """The last digit of a CAS number is a check sum over the others."""
    if not isinstance(value, str):
        return value
    match = re.fullmatch(r"([0-9]{2,7})-([0-9]{2})-([0-9])", value)
    if match is None:
        raise _refuse(
            f'"{value[:60]}" is not a CAS number', "it looks like 96-49-1; leave it out if there is none"
        )  # fmt: skip
    digits = (match[1] + match[2])[::-1]
    total = sum(int(digit) * place for place, digit in enumerate(digits, start=1))
    if total % 10 != int(match[3]):
        raise _refuse(
            f'"{value}" is not a CAS number (its check digit is wrong)',
            "copy it again from the label or the safety data sheet",
        )
    return value


def _orcid(value: object) -> object:
    """The last character of an ORCID iD is a check sum (ISO 7064, MOD 11-2)."""
    if not isinstance(value, str):
        return value
    if not re.fullmatch(r"(?:[0-9]{4}-){3}[0-9]{3}[0-9X]", value):
        found = re.search(r"(?:[0-9]{4}-){3}[0-9]{3}[0-9X]", value)
        meant = found.group() if found else "0000-0002-1825-0097"
        raise _refuse(
            f'"{value[:60]}" is not an ORCID iD',
            f'write "{meant}" alone' if found else f"it looks like {meant}",
        )
    total = 0
    for digit in value.replace("-", "")[:-1]:
        total = (total + int(digit)) * 2
    if "0123456789X"[(12 - total % 11) % 11] != value[-1]:
        raise _refuse(
            f'"{value}" is not an ORCID iD (its check digit is wrong)',
            "copy it again from orcid.org",
            "the work would be credited to somebody else",
        )
    return value


def _inchikey(value: object) -> object:
    if isinstance(value, str) and not re.fullmatch(r"[A-Z]{14}-[A-Z]{10}-[A-Z]", value):
        hint = "it has 14, 10 and 1 capital letters: XEKOWRVHYACXOJ-UHFFFAOYSA-N"
        if value.startswith("InChI="):
            hint = "this is an InChI; " + hint
        raise _refuse(f'"{value[:60]}" is not an InChIKey', hint)
    return value


def _cid(value: object) -> object:
    if isinstance(value, str) and not re.fullmatch(r"[1-9][0-9]{0,11}", value):
        digits = re.sub(r"[^0-9]", "", value)
        raise _refuse(
            f'"{value[:60]}" is not a PubChem compound id',
            f'write the number alone, in quotes: "{digits or 6342}"',
        )
    return value


_BRACKET_ATOM = re.compile(
    r"\[[0-9]{0,3}(?:[A-Z][a-z]?|[bcnops]|se|as|\*)(?:@{1,2}(?:[A-Z]{2}[0-9]{1,2})?)?(?:H[0-9]?)?"
    r"(?:[+-]{1,3}|[+-][0-9]{1,2})?(?::[0-9]{1,4})?\]"
)
_ATOM = re.compile(r"Br|Cl|[BCNOPSFI]|[bcnops]|\*")
_RING = re.compile(r"%[0-9]{2}|[0-9]")


def _smiles(value: object) -> object:
    """Characters, brackets and ring closures; whether the molecule can exist is not judged."""
    if not isinstance(value, str):
        return value
    problem = _smiles_problem(value)
    if problem:
        raise _refuse(
            f'"{value[:60]}" is not a SMILES: {problem}', 'write e.g. "CCOC(C)=O", in quotes'
        )
    return value


def _smiles_problem(text: str) -> str:
    position, depth, rings, atoms = 0, 0, set[str](), 0
    while position < len(text):
        character = text[position]
        atom = (_BRACKET_ATOM if character == "[" else _ATOM).match(text, position)
        ring = _RING.match(text, position)
        if atom:
            atoms += 1
            position = atom.end()
        elif character == "[":
            return f"the bracket at character {position + 1} holds no atom, or is not closed"
        elif ring and atoms:
            rings ^= {ring.group().lstrip("%").zfill(2)}
            position = ring.end()
        elif character in "()":
            depth += 1 if character == "(" else -1
            if depth < 0:
                return f'")" at character {position + 1} closes nothing'
            position += 1
        elif character in "-=#$:/\\.":
            position += 1
        else:
            return f'"{character}" has no place in it'
    if depth:
        return "a ( is not closed"
    return "a ring is not closed" if rings else "" if atoms else "it has no atom"


def _hazard(value: object) -> object:
    if isinstance(value, str) and statement(value) is None:
        meant = nearest(value)
        hint = "copy it from section 2 of the safety data sheet; it looks like H226 or P280"
        raise _refuse(
            f'"{value[:60]}" is not a GHS statement',
            f'did you mean "{meant}"?' if meant else hint,
            "a wrong code hides a hazard, or shows one that is not there",
            "hazard",
        )
    return value


# The patterns stay for editors: they are what can be said in a JSON Schema.
Cas = Annotated[str, BeforeValidator(_cas)]
Cid = Annotated[str, BeforeValidator(_cid)]
InchiKey = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Z]{14}-[A-Z]{10}-[A-Z]$"),
    BeforeValidator(_inchikey),
]
Smiles = Annotated[str, StringConstraints(max_length=5000), BeforeValidator(_smiles)]
Orcid = Annotated[
    str,
    StringConstraints(pattern=r"^\d{4}-\d{4}-\d{4}-\d{3}[\dX]$"),
    BeforeValidator(_orcid),
]
HazardCode = Annotated[
    str,
    StringConstraints(
        pattern=r"^(?:EUH\d{3}[A-Z]?|[HP]\d{3}[A-Za-z]{0,3})(?:\s?\+\s?[HP]\d{3}[A-Za-z]{0,3})*$"
    ),
    BeforeValidator(_hazard),
]
"""A statement of the GHS that exists, alone or combined."""
