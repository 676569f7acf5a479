"""Compiles the planner's search once, so that nobody waits for it later: `python scripts/compile_planner.py`.

The machine code is kept beside the sources and made again when they change (about a minute).
"""

from __future__ import annotations

from lab.app.scheduling import compile_all
from lab.plan.search.compiled import COMPILED

if __name__ == "__main__":
    if COMPILED:
        print("Compiling the planner's search (a minute, once) ...")
        compile_all()
