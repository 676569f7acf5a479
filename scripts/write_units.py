"""Write the table of measured units (`lab/domain/unit_table.py`) from pint's definitions.

    python scripts/write_units.py

A test fails where the table is not what this would write.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from lab.domain import units  # noqa: E402

__all__ = ["FILE", "USUAL", "page"]

FILE = ROOT / "lab" / "domain" / "unit_table.py"

USUAL = (
    *("mol/L", "mmol/L", "umol/L", "nmol/L", "g/L", "mg/L", "g/mL", "mg/mL", "kg/m^3"),
    *("g/mol", "kg/mol", "mol/g", "mol/kg", "mmol/g", "L/mol", "L/mol/cm", "L/mol/s", "1/nmol"),
    *("mL/min", "uL/min", "L/min", "mL/h", "mL/s", "uL/s", "g/min", "m/s", "mm/s"),
    *("K/min", "1/s", "1/min", "mS/cm", "uS/cm", "S/cm", "S/m"),
    *("cm^2", "mm^2", "m^2", "cm^3", "m^3", "A/m^2", "A/cm^2", "mA/cm^2"),
    *("J/mol", "kJ/mol", "J/g", "Pa*s", "mPa*s"),
)
"""Units that procedures and drivers use often, beside every single symbol."""

_HEAD = '''"""What pint says of the usual units: written by `scripts/write_units.py`, and tested against pint.

Reading pint's definitions takes longer than all else that an engine does before its first command.
"""

from __future__ import annotations

__all__ = ["MEASURED"]

MEASURED: dict[str, tuple[dict[str, float], float, float]] = {
'''


def page() -> str:
    """The text of the module: pint's spelling -> dimension, factor and offset to SI base units."""
    lines: list[str] = []
    for spelled in dict.fromkeys((*sorted(set(units.pint_symbols())), *USUAL)):
        dimension, factor, offset = units.measured_by_pint(spelled)
        lines.append(f'    "{spelled}": ({_shown(dimension)}, {factor!r}, {offset!r}),')
    return _HEAD + "\n".join(lines) + "\n}\n"


def _shown(dimension: units.Dimension) -> str:
    inside = ", ".join(f'"{name}": {power!r}' for name, power in dimension)
    return f"{{{inside}}}"


if __name__ == "__main__":
    FILE.write_text(page(), encoding="utf-8")
