"""A small slice of the damaged files; `python -m tests.fuzz.fuzz_files 20000` checks many."""

from __future__ import annotations

from tests.fuzz.fuzz_files import damaged, findings_of, fuzz


def test_damaged_files_give_diagnostics_and_nothing_else() -> None:
    outcome = fuzz(range(150))
    assert [line for line in outcome.problems if not line.endswith(" s")] == []
    assert outcome.files == 150


def test_a_seed_gives_the_same_file_again() -> None:
    assert damaged(7) == damaged(7)
    assert damaged(7) != damaged(8)


def test_most_of_the_damage_is_noticed() -> None:
    noticed = sum(bool(findings_of(*damaged(seed))) for seed in range(60))
    assert noticed >= 40
