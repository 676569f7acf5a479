"""What is refused because it does not fit, is not there, or is not emptied; and the words for it."""

from __future__ import annotations

import pytest

from lab.sop.contents import levels_for
from tests.support.small_sops import branch, by_hand, dose, loop, parallel, small, step

EMPTIES = {"empties": True}


def findings(procedure, /, **changes):
    return levels_for(*small(procedure, **changes).arguments)


def only(procedure, /, **changes):
    found = findings(procedure, **changes)
    assert len(found) == 1, [item.message for item in found]
    item = found[0]
    assert item.place in item.document.values  # it stands where it says
    assert item.diagnostic.source_line
    return item


def test_what_fits_and_is_there_is_no_finding():
    assert findings([dose("a", "water_pot", "20 mL"), dose("b", "pot_cell", "20 mL")]) == []


def test_a_vessel_that_runs_over():
    item = only([dose("a", "water_pot", "12 mL"), dose("b", "acid_pot", "${size * 5 mL}")])
    assert (item.code, item.severity) == ("overfill", "safety")
    assert item.message == '"pot" would hold 22 mL, but its capacity is 20 mL at size = 2'
    assert item.place == ("procedure", 1, "with", "volume")


def test_a_loop_that_fills_it_is_told_with_the_round():
    item = only([loop("titrate", 200, [dose("a", "water_pot", "0.3 mL")])])
    assert '"pot" would hold 20.1 mL in round 67 of "titrate"' in item.message


def test_rounds_of_loops_in_loops():
    item = only([loop("outer", 3, [loop("inner", 3, [dose("a", "water_pot", "3 mL")])])])
    assert 'in round 1 of "inner" in round 3 of "outer"' in item.message


def test_a_loop_that_may_end_early_counts_with_all_its_rounds():
    until = "${size > 1}"
    assert findings([loop("t", 20, [dose("a", "water_pot", "1 mL")], until)]) == []
    assert only([loop("t", 21, [dose("a", "water_pot", "1 mL")], until)]).code == "overfill"


def test_two_ways_of_a_branch_do_not_add_up():
    steps = [branch("way", [dose("a", "water_pot", "15 mL")], [dose("b", "acid_pot", "12 mL")])]
    assert findings([*steps, dose("c", "water_pot", "5 mL")]) == []
    item = only([*steps, dose("c", "water_pot", "6 mL")])
    assert "would hold 21 mL" in item.message
    assert 'it depends on the branch "way"' in item.message


def test_doses_in_lanes_all_count():
    item = only(
        [parallel("p", [dose("a", "water_pot", "11 mL")], [dose("b", "acid_pot", "11 mL")])]
    )
    assert "would hold 22 mL" in item.message


def test_an_emptied_vessel_can_be_filled_again():
    again = [dose("a", "water_pot", "15 mL"), dose("out", "pot_waste", "30 mL", **EMPTIES)]
    assert findings([*again, dose("b", "water_pot", "20 mL")]) == []
    dead = {"pot": {"capacity": "20 mL", "dead_volume": "1 mL"}}
    item = only([*again, dose("b", "water_pot", "20 mL")], containers=dead)
    assert "would hold 21 mL" in item.message


DEAD = {"containers": {"pot": {"capacity": "20 mL", "dead_volume": "1 mL"}}}


def test_what_an_earlier_run_leaves_counts_when_a_run_begins():
    run = [dose("a", "water_pot", "${size * 10 mL}"), dose("out", "pot_waste", "30 mL", **EMPTIES)]
    item = only(run, **DEAD)
    assert (item.code, item.severity) == ("overfill", "safety")
    assert item.message == (
        '"pot" would hold 21 mL with the 1 mL that a run before this one leaves in it, '
        "but its capacity is 20 mL at size = 2"
    )
    assert "empties: true" in item.hint
    less = [dose("a", "water_pot", "${size * 9.5 mL}"), *run[1:]]
    assert findings(less, **DEAD) == []


def test_a_vessel_that_a_person_has_dried_is_empty():
    fill = dose("a", "water_pot", "20 mL")
    assert findings([by_hand("dry", "pot", **EMPTIES), fill], **DEAD) == []
    assert only([by_hand("dry", "pot"), fill], **DEAD).code == "overfill"
    assert only([by_hand("dry", "cell", **EMPTIES), fill], **DEAD).code == "overfill"
    skip = {"on_error": {"then": "skip"}, "critical": False}
    assert only([by_hand("dry", "pot", **EMPTIES, **skip), fill], **DEAD).code == "overfill"


def test_what_a_person_has_emptied_can_not_be_drawn():
    dry = by_hand("dry", "pot", **EMPTIES)
    item = only([dose("a", "water_pot", "5 mL"), dry, dose("b", "pot_cell", "1 mL")], **DEAD)
    assert (item.code, item.message) == ("overdraw", '"pot" is empty here')


def test_what_an_earlier_run_leaves_is_not_there_to_be_drawn():
    item = only([dose("b", "pot_cell", "0.5 mL")], **DEAD)
    assert (item.code, item.message) == ("overdraw", '"pot" is empty here')
    # nor counted upon: the vessel may be a new one
    steps = [dose("a", "water_pot", "5 mL"), dose("b", "pot_cell", "5 mL")]
    assert only(steps, **DEAD).code == "overdraw"


def test_what_empties_moves_only_what_is_there():
    """30 mL are asked for, 15 mL come over."""
    steps = [dose("a", "water_pot", "15 mL"), dose("over", "pot_cell", "30 mL", **EMPTIES)]
    assert findings(steps) == []


def test_drawing_from_an_empty_vessel():
    item = only([dose("over", "pot_cell", "3 mL")])
    assert (item.code, item.severity) == ("overdraw", "error")
    assert item.message == '"pot" is empty here'


def test_what_a_person_fills_in_may_be_drawn():
    hand = {
        "id": "fill", "title": "Fill", "manual": {"prompt": "Fill it"}, "at": "pot",
        "duration": "1 min", "timeout": "5 min",
    }  # fmt: skip
    assert findings([hand, dose("over", "pot_cell", "3 mL")]) == []
    assert findings([dose("over", "pot_cell", "3 mL")], samples={"inputs": ["a sol"]}) == []


def test_drawing_more_than_there_ever_is():
    item = only([dose("a", "water_pot", "5 mL"), dose("b", "pot_cell", "6 mL")])
    assert item.code == "overdraw"
    assert 'this draws 6 mL, but "pot" never holds more than 5 mL' in item.message


def test_dead_volume_can_not_be_drawn():
    dead = {"pot": {"capacity": "20 mL", "dead_volume": "0.5 mL"}}
    steps = [dose("a", "water_pot", "5 mL"), dose("b", "pot_cell", "5 mL")]
    item = only(steps, containers=dead)
    assert "0.5 mL of which can't be drawn" in item.message
    assert findings([steps[0], dose("b", "pot_cell", "4.5 mL")], containers=dead) == []


def test_drawing_more_than_is_there_for_some_parameters():
    item = only([dose("a", "water_pot", "${size * 5 mL}"), dose("b", "pot_cell", "6 mL")])
    assert 'this draws 6 mL, but "pot" may hold only 5 mL at size = 1' in item.message


def test_drawing_more_than_is_there_on_one_way():
    steps = [dose("a", "water_pot", "5 mL"), branch("more", [dose("b", "acid_pot", "3 mL")], [])]
    item = only([*steps, dose("c", "pot_cell", "7 mL")])
    assert 'may hold only 5 mL; it depends on the branch "more"' in item.message


def test_a_step_that_may_be_left_out_is_not_counted_upon():
    skip = {"on_error": {"then": "skip"}, "critical": False}
    item = only([dose("a", "water_pot", "5 mL", **skip), dose("b", "pot_cell", "5 mL")])
    assert 'it depends on whether "a" succeeds' in item.message
    full = [dose("a", "water_pot", "15 mL"), dose("o", "pot_waste", "15 mL", **skip)]
    assert only([*full, dose("b", "water_pot", "15 mL")]).code == "overfill"


def test_a_number_of_rounds_decides_what_is_there():
    rounds = loop("t", 3, [dose("a", "water_pot", "1 mL")], "${size > 1}")
    item = only([rounds, dose("b", "pot_cell", "2 mL")])
    assert 'may hold only 1 mL; it depends on the number of rounds of "t"' in item.message


def test_what_runs_beside_may_come_first():
    lanes = parallel("p", [dose("a", "water_pot", "5 mL")], [dose("b", "pot_cell", "3 mL")])
    item = only([dose("first", "water_pot", "1 mL"), lanes])
    assert "may hold only 1 mL; it depends on the order of steps" in item.message


def test_what_does_not_empty():
    item = only(
        [dose("a", "water_pot", "${size * 5 mL}"), dose("out", "pot_waste", "6 mL", **EMPTIES)]
    )
    assert (item.code, item.severity) == ("empties", "error")
    assert 'does not empty "pot": 6 mL are drawn, but it may hold 10 mL at size = 2' in item.message


def test_a_step_of_a_loop_is_reported_once():
    item = only([loop("t", 5, [dose("a", "water_pot", "1 mL"), dose("b", "pot_cell", "2 mL")])])
    assert 'this draws 2 mL in round 1 of "t"' in item.message


LIMITS = {"outputs": {"mass": {"minimum": "0 g", "maximum": "3 g"}}}
LATE = "${weigh.mass * 4 mL / 1 g}"


def test_a_volume_that_is_measured_counts_with_its_limits():
    weigh = step("weigh", "balance", "weigh", **LIMITS)
    assert findings([weigh, dose("a", "water_pot", LATE)]) == []
    item = only([weigh, dose("a", "water_pot", LATE), dose("b", "water_pot", "9 mL")])
    assert "would hold 21 mL, but its capacity is 20 mL at weigh.mass = 3 g" in item.message


def test_a_volume_without_limits_can_not_be_counted():
    item = only([step("weigh", "balance", "weigh"), dose("a", "water_pot", LATE)])
    assert item.code == "unbounded"
    assert "minimum" in item.hint


def test_stations_that_are_shared_are_not_counted():
    steps = [dose("a", "water_pot", "20 mL"), dose("out", "pot_waste", "20 mL")]
    assert findings([loop("t", 30, steps)]) == []


def safe(*steps):
    return {"safety": {"safe_state": list(steps)}}


@pytest.mark.parametrize(
    ("volume", "severity"), [("10 mL", None), ("11 mL", "warning"), ("21 mL", "safety")]
)
def test_what_makes_a_run_safe_must_not_overflow(volume, severity):
    found = findings([dose("a", "water_pot", "10 mL")], **safe(dose("rescue", "water_pot", volume)))
    assert [item.severity for item in found] == ([severity] if severity else [])
    assert all(item.place == ("safety", "safe_state", 0) for item in found)


def test_what_is_emptied_first_has_room_in_the_safe_state():
    out = dose("out", "pot_waste", "20 mL", **EMPTIES)
    rescue = dose("rescue", "water_pot", "11 mL")
    assert findings([dose("a", "water_pot", "10 mL")], **safe(out, rescue)) == []
    assert len(findings([dose("a", "water_pot", "10 mL")], **safe(rescue, out))) == 1


def test_steps_that_undo_come_before_the_safe_state():
    undo = {"on_error": {"compensate": [dose("flood", "water_pot", "8 mL")]}}
    steps = [dose("a", "water_pot", "10 mL", **undo)]
    assert findings(steps) == []
    found = findings(steps, **safe(dose("rescue", "water_pot", "3 mL")))
    assert [item.severity for item in found] == ["warning"]


def test_hundreds_of_rounds_are_followed():
    rounds = [dose("a", "water_pot", "1 mL"), dose("b", "pot_waste", "1 mL")]
    assert findings([loop("t", 1000, rounds, "${size > 1}")]) == []
