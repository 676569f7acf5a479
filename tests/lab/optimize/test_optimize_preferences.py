"""Comparisons as measured values: merits of small cases that are known, and campaigns that climb by them."""

from __future__ import annotations

import math
import statistics

import pytest

from lab.domain.errors import InputError
from lab.optimize import Aim, Campaign, Factor, Goal, Space
from lab.optimize.preferences import merits, tell_preferences

SQUARE = Space((Factor("x", "1", 0, 1), Factor("y", "1", 0, 1)))


def test_nothing_compared_says_nothing():
    assert merits([]) == {}


def test_one_comparison_is_symmetrical_and_doubtful():
    found = merits([(3, 8)])
    assert set(found) == {3, 8}
    assert found[3][0] == pytest.approx(-found[8][0])
    assert found[3][0] > 0
    assert found[3][1] == pytest.approx(found[8][1])
    assert 0.5 < found[3][1] < 1.0  # beforehand it was 1


def test_the_merits_are_the_most_probable_ones():
    """Compared with the density on a fine grid, for three trials of which two pairs are known."""
    pairs = [(1, 2), (1, 2), (2, 3)]

    def log_density(m: dict[int, float]) -> float:
        said = sum(math.log(0.5 * math.erfc(-(m[a] - m[b]) / 2.0)) for a, b in pairs)
        return said - 0.5 * sum(value**2 for value in m.values())

    found = {number: merit for number, (merit, _) in merits(pairs).items()}
    best = log_density(found)
    for number in found:
        for step in (-0.02, 0.02):
            assert log_density({**found, number: found[number] + step}) < best


def test_a_chain_is_put_in_order_and_more_judgements_make_surer():
    chain = [(k, k + 1) for k in range(1, 6)]
    found = merits(chain)
    assert sorted(found, key=lambda number: -found[number][0]) == [1, 2, 3, 4, 5, 6]
    surer = merits(chain * 5)
    assert all(surer[number][1] < found[number][1] for number in found)
    assert surer[1][0] - surer[6][0] > found[1][0] - found[6][0]


def test_contradictions_leave_equals():
    found = merits([(1, 2), (2, 1), (2, 3), (3, 2), (3, 1), (1, 3)])
    assert [merit for merit, _ in found.values()] == pytest.approx([0.0, 0.0, 0.0], abs=1e-9)


def test_a_thousand_equal_judgements_stay_finite():
    found = merits([(1, 2)] * 1000)
    assert all(math.isfinite(number) for pair in found.values() for number in pair)
    assert found[1][0] > 1.0


def test_the_order_of_the_comparisons_does_not_matter():
    pairs = [(1, 2), (3, 1), (2, 4), (4, 1)]
    first, again = merits(pairs), merits(pairs[::-1])
    assert list(first) == list(again)
    assert [x for pair in first.values() for x in pair] == pytest.approx([x for pair in again.values() for x in pair])  # fmt: skip


def _liked(factors: dict[str, float]) -> float:
    """What the judge likes and can't say."""
    return -((factors["x"] - 0.7) ** 2) - (factors["y"] - 0.3) ** 2


def _climb(seed: int) -> float:
    """How near to the best a campaign of 14 trials comes that is told nothing but which of two is liked better."""
    campaign = Campaign(SQUARE, "maximize", seed=seed, initial=4)
    pairs: list[tuple[int, int]] = []
    tried: dict[int, float] = {}
    best = 0
    for n in (4, *[2] * 5):
        for item in campaign.ask(n):
            tried[item.number] = _liked(item.factors)
            if best:
                better = item.number if tried[item.number] > tried[best] else best
                pairs.append((better, best if better == item.number else item.number))
                best = better
            best = best or item.number
        tell_preferences(campaign, pairs)
    return max(tried.values())


def test_a_campaign_climbs_by_comparisons_alone():
    """Of 14 random points the nearest is 0.14 from the best on average, a squared distance of 0.023."""
    gaps = [-_climb(seed) for seed in range(3)]
    assert statistics.fmean(gaps) < 0.012


def test_a_new_comparison_corrects_all_merits():
    campaign = Campaign(SQUARE, "maximize", seed=1, initial=4)
    campaign.ask(3)
    tell_preferences(campaign, [(1, 2), (3, 2)])
    before = {record.number: record.value or 0.0 for record in campaign.history}
    tell_preferences(campaign, [(1, 2), (3, 2), (3, 1)])
    after = {record.number: record.value or 0.0 for record in campaign.history}
    assert before[1] == pytest.approx(before[3])
    assert after[3] > after[1] > after[2]
    again = Campaign.from_json(campaign.to_json())
    assert again.ask(1) == campaign.ask(1)


def test_what_can_not_be_compared_is_refused():
    campaign = Campaign(SQUARE, "maximize", seed=1, initial=4)
    campaign.ask(3)
    campaign.tell(3, failed=True)
    for pairs, words in (
        ([(1, 1)], "with itself"),
        ([(1, 9)], "trial 9 was compared, and is unknown"),
        ([(1, 3)], "trial 3 was compared, and is failed"),
    ):
        with pytest.raises(InputError, match=words):
            tell_preferences(campaign, pairs)
    assert [record.status for record in campaign.history] == ["pending", "pending", "failed"]
    for sought in ("minimize", Aim((Goal("a", "maximize"),))):
        with pytest.raises(InputError, match="does not maximise"):
            tell_preferences(Campaign(SQUARE, sought), [(1, 2)])
