"""What gathers in a vessel run after run, against books that are kept run by run."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from lab.devices.capability import CAPABILITIES
from lab.domain.quantity import Quantity, parse_quantity
from lab.sop import check_repeated
from lab.sop.check_repeated import Gathering, gatherings
from lab.sop.contents import final_levels, levels
from lab.sop.procedure import full_box
from lab.sop.references import References
from lab.sop.value import Value
from tests.support.flat_sops import LAB, RESULTS, lab_of, read, weigh

if TYPE_CHECKING:
    import pytest

SOP = """
materials:
  water: {name: Water, role: solvent}
containers:
  pot: {capacity: 100 mL, dead_volume: DEAD}
parameters:
  amount: {unit: mL, minimum: 2 mL, maximum: 8 mL, default: 3 mL, role: factor}
equipment:
  balance: {capability: weighing, at: pot}
  pump: {capability: liquid_dosing, draws: water, into: pot}
  drain_pump: {capability: liquid_dosing, draws: pot, into: waste}
procedure:
"""
TWO = LAB.replace("  pot: {", "  other: {kind: pot, capacity: 200 mL}\n  pot: {")
PLATE = LAB.replace("  pot: {capacity: 200 mL}", "  pot: {capacity: 200 mL, wells: 96}")


def fill(volume: str, name: str = "fill") -> str:
    return _moves(name, "pump", volume)


def drain(volume: str, name: str = "drain", extra: str = "") -> str:
    return _moves(name, "drain_pump", volume, extra)


def _moves(name: str, device: str, volume: str, extra: str = "") -> str:
    return (
        f'{{id: {name}, title: Move, equipment: {device}, action: dispense, with: {{volume: "{volume}", '
        f"rate: 20 mL/min}}, duration: 10 s, timeout: 60 s{extra}}}"
    )


def procedure(*steps: str, dead: str = "0 mL"):
    lines = "\n".join(f"  - {step}" for step in (*steps, weigh()))
    return read(SOP.replace("DEAD", dead) + lines + RESULTS)


def gathered(*steps: str, trials: int = 24, lab: str = LAB, dead: str = "0 mL", amount: str = ""):
    made = procedure(*steps, dead=dead)
    box = full_box(made.sop)
    if amount:
        box["amount"] = (parse_quantity(amount), parse_quantity(amount))
    return gatherings(made, lab_of(lab), CAPABILITIES, box, {}, trials)


def the_one(found: list[Gathering]) -> Gathering:
    (item,) = found
    return item


def test_a_vessel_that_nothing_empties():
    item = the_one(gathered(fill("10 mL")))
    assert (item.container, item.run, item.fitting) == ("pot", 11, 10)
    assert (str(item.each), str(item.capacity)) == ("10 mL", "100 mL")


def test_as_many_runs_as_fit_are_let_through():
    assert gathered(fill("10 mL"), trials=10) == []
    assert gathered(fill("10 mL"), trials=11) != []


def test_a_vessel_that_is_emptied_or_drained_of_as_much():
    assert gathered(fill("10 mL"), drain("12 mL", extra=", empties: true")) == []
    assert gathered(fill("${amount}"), drain("${amount}")) == []
    assert gathered(fill("${amount}"), drain("9 mL")) == []


def test_a_person_who_empties_it():
    by_hand = (
        "{id: wipe, title: Wipe, manual: {prompt: Empty and dry the pot}, at: pot, empties: true, "
        "duration: 1 min, timeout: 5 min}"
    )
    assert gathered(fill("10 mL"), by_hand) == []
    assert gathered(fill("10 mL"), by_hand.replace(", empties: true", "")) != []


def test_the_parameters_at_which_it_gathers_are_told():
    item = the_one(gathered(fill("${amount}"), drain("4 mL"), trials=40))
    assert item.words == " at amount = 8 mL"
    # in each run 8 mL on top of what is there: 8, 12, 16 ... 100 mL in run 24
    assert (str(item.each), item.run) == ("4 mL", 25)
    assert gathered(fill("${amount}"), drain("4 mL"), trials=item.run - 1) == []
    assert gathered(fill("${amount}"), drain("4 mL"), amount="4 mL") == []


def test_stations_that_take_turns_share_the_trials():
    item = the_one(gathered(fill("10 mL"), lab=TWO))
    assert (item.run, item.fitting) == (11, 20)
    assert gathered(fill("10 mL"), lab=TWO, trials=20) == []
    assert gathered(fill("10 mL"), lab=TWO, trials=21) != []


def test_each_run_has_a_well_of_its_own():
    assert gathered(fill("10 mL"), lab=PLATE) == []


def test_no_station_serves():
    assert (
        gathered(fill("10 mL"), lab=LAB.replace("  pot: {", "  bowl: {").replace("pot}", "bowl}"))
        == []
    )


def test_what_no_line_draws_is_there_once():
    emptied = (fill("10 mL"), drain("12 mL", extra=", empties: true"))
    assert gathered(*emptied, dead="3 mL") == []
    item = the_one(gathered(fill("10 mL"), dead="3 mL"))
    assert item.run == 10  # 3 + 10 * 10 mL


def test_what_overfills_at_once_is_reported_with_the_sop():
    assert gathered(fill("101 mL")) == []


def test_a_volume_without_limits_is_reported_with_the_sop():
    assert gathered(weigh("first"), fill("${first.mass / 1 g * 1 mL}")) == []


def test_the_peak_within_a_run_counts():
    # 60 mL for a moment, 5 mL stay: 60, 65 ... 100 mL in run 9
    item = the_one(gathered(fill("60 mL"), drain("55 mL")))
    assert item.run == 10


def test_the_search_is_not_without_end(monkeypatch: pytest.MonkeyPatch):
    asked: list[int] = []
    real = check_repeated.find_beyond

    def counted(*args: object, most_boxes: int, **named: object):
        asked.append(most_boxes)
        return real(*args, most_boxes=most_boxes, **named)  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(check_repeated, "find_beyond", counted)
    many = [fill("${amount / 100}", f"fill_{number}") for number in range(200)]
    assert gathered(*many, trials=1000)
    assert len(asked) == 1
    assert 1 <= asked[0] <= 20


@settings(deadline=None)
@given(
    steps=st.lists(st.tuples(st.booleans(), st.integers(1, 30)), min_size=1, max_size=5),
    trials=st.integers(2, 30),
    dead=st.integers(0, 3),
)
def test_it_says_what_books_kept_run_by_run_say(
    steps: list[tuple[bool, int]], trials: int, dead: int
):
    written = [
        fill(f"{volume} mL", f"s{number}") if fills else drain(f"{volume} mL", f"s{number}")
        for number, (fills, volume) in enumerate(steps)
    ]
    first = _run_that_overfills(written, trials, dead)
    found = gathered(*written, trials=trials, dead=f"{dead} mL")
    assert [item.run for item in found] == ([] if first in (None, 1) else [first])


def _run_that_overfills(steps: list[str], trials: int, dead: int) -> int | None:
    """By keeping the books of each run on top of the one before."""
    made = procedure(*steps, dead=f"{dead} mL")
    references = References(made.flat, CAPABILITIES)
    there = float(dead)
    for run in range(1, trials + 1):
        found = {"pot": (Value.of(Quantity(0.0, "mL")), Value.of(Quantity(there, "mL")))}
        arguments = (made.flat, made.sop, CAPABILITIES, full_box(made.sop), {}, references, found)
        most = [there] + [line[2].bounds("mL")[1] for line in levels(*arguments)["pot"]]
        if max(most) > 100 * (1 + 1e-9):
            return run
        there = max(float(dead), final_levels(*arguments)["pot"][1].bounds("mL")[1])
        assert math.isfinite(there)
    return None
