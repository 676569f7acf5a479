"""What a batch costs after so many trials: every method is told the same ones, and what is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lab.domain.errors import InputError
from lab.optimize.bench import seconds as module
from lab.optimize.bench.seconds import compare_seconds, one_batch
from lab.optimize.bench.tasks import function_task

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lab.optimize.history import TrialRecord
    from lab.optimize.space import Setting

BRANIN = function_task("branin")


class Noted:
    """Spends no time, and notes what it is told and asked."""

    def __init__(self) -> None:
        self.told: list[TrialRecord] = []
        self.asked: list[int] = []

    def tell(self, records: Sequence[TrialRecord]) -> None:
        self.told += records

    def ask(self, n: int) -> list[dict[str, Setting]]:
        self.asked.append(n)
        return BRANIN.first(0, n)


def test_a_method_is_told_spread_out_trials_with_noise_and_asked_once(monkeypatch):
    made: list[Noted] = []
    monkeypatch.setattr(module, "make_asker", lambda *_: made.append(Noted()) or made[-1])
    for name in ("ours", "ax"):
        told, asked = one_batch(BRANIN, name, 3, 20, 4)
        assert told >= 0.0
        assert asked >= 0.0
    ours, peer = made
    assert ours.asked == [4]
    assert ours.told == peer.told  # the same trials and the same noise
    assert [record.factors for record in ours.told] == BRANIN.first(3, 20)
    gaps = [abs((r.value or 0.0) - BRANIN.truth(r.factors)) for r in ours.told]
    assert 0.05 < sum(gaps) / 20 < 1.0  # 0.5 is the noise's standard deviation


def test_the_document_tells_each_count_and_how_many_times_ours(monkeypatch):
    spent = {("ours", 10): 2.0, ("ours", 30): 4.0, ("botorch", 10): 3.0, ("botorch", 30): 16.0}
    warm: list[str] = []

    def fake(task: object, name: str, seed: int, trials: int, batch: int) -> tuple[float, float]:
        assert (task, batch) == (BRANIN, 2)
        if trials not in (10, 30):
            warm.append(name)
            return 99.0, 99.0
        return 0.5, spent[name, trials] + seed

    monkeypatch.setattr(module, "one_batch", fake)
    found = compare_seconds(BRANIN, [10, 30], batch=2, seeds=2, peers=["botorch"])
    assert warm == ["ours", "botorch"]  # libraries are loaded before the clock runs
    ours, peer = (found["methods"][name]["by_trials"] for name in ("ours", "botorch"))
    assert ours["10"]["mean"] == 2.5
    assert ours["10"]["by_seed"] == [2.0, 3.0]
    assert ours["30"]["times_ours"] == 1.0
    assert peer["10"]["times_ours"] == pytest.approx(3.5 / 2.5)
    assert peer["30"]["times_ours"] == pytest.approx(16.5 / 4.5)
    assert peer["30"]["taking_in"] == 0.5
    assert peer["10"]["half_width_95"] == pytest.approx(0.98)
    assert found["task"]["init"] == 30


def test_ours_is_really_run():
    found = compare_seconds(BRANIN, [12], batch=2, seeds=1)
    told = found["methods"]["ours"]["by_trials"]["12"]
    assert told["taking_in"] + told["mean"] > 0.0
    assert told["half_width_95"] is None


def test_what_cannot_be_measured_is_refused(monkeypatch):
    with pytest.raises(InputError, match="after 1 trials"):
        compare_seconds(BRANIN, [50, 1], batch=4, seeds=1)
    with pytest.raises(InputError, match="after 0 trials"):
        compare_seconds(BRANIN, [], batch=4, seeds=1)
    with pytest.raises(InputError, match="gryffin is no peer"):
        compare_seconds(BRANIN, [5], batch=4, seeds=1, peers=["gryffin"])
    monkeypatch.setattr(module, "installed", lambda name: False)
    monkeypatch.setattr(module, "one_batch", lambda *_: (0.0, 1.0))
    found = compare_seconds(BRANIN, [5], batch=4, seeds=1, peers=["ax"])
    assert found["missing"] == ["ax"]
    assert list(found["methods"]) == ["ours"]
