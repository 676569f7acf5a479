"""Versions rank as semantic versioning says, not as texts do."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.sop.versions import compare, is_newer

# the example of semver.org, section 11, and numbers that sort wrongly as texts
RANKED = (
    "0.9.0", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11",
    "1.0.0-rc.1", "1.0.0", "1.2.0", "1.10.0", "2.0.0", "2.1.0", "2.1.1", "10.0.0",
)  # fmt: skip

versions = st.builds(
    lambda numbers, tail: ".".join(map(str, numbers)) + (f"-{tail}" if tail else ""),
    st.tuples(*[st.integers(0, 12)] * 3),
    st.sampled_from(("", "a", "a.1", "1", "rc-2", "0.x")),
)


@pytest.mark.parametrize(("first", "second"), list(itertools.combinations(RANKED, 2)))
def test_the_order_of_the_specification(first, second):
    assert compare(first, second) == -1
    assert compare(second, first) == 1
    assert is_newer(second, first)
    assert not is_newer(first, second)


@given(versions, versions, versions)
def test_it_is_an_order(a, b, c):
    assert compare(a, a) == 0
    assert compare(a, b) == -compare(b, a)
    if compare(a, b) <= 0 and compare(b, c) <= 0:
        assert compare(a, c) <= 0


@pytest.mark.parametrize("text", ["1.0", "one", "", "1.0.x", "1.0.0.0"])
def test_other_texts_are_refused(text):
    with pytest.raises(ValueError, match="not a version"):
        compare(text, "1.0.0")
