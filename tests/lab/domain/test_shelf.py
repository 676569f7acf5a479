"""A shelf is a dictionary that can't change: whatever is put, at any length, packed or not, beside a plain one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.domain.shelf import Packed, Shelf, newest, open_ones, put

PUTS = st.lists(st.tuples(st.integers(0, 90).map(str), st.integers(-3, 3)), max_size=300)


def is_open(value: int) -> bool:
    return value > 0


def empty() -> Shelf[int]:
    return Shelf(is_open=is_open)


@given(PUTS)
def test_it_holds_what_a_dictionary_holds_in_the_same_order(puts):
    shelf, plain, opened = empty(), {}, {}
    for key, value in puts:
        shelf = shelf.put(key, value)
        plain[key] = value
        if not is_open(value):
            opened.pop(key, None)
        else:
            opened[key] = value
        assert len(shelf) == len(plain)
    assert shelf == plain
    assert plain == shelf
    assert list(shelf.items()) == list(plain.items())
    assert list(reversed(shelf)) == list(reversed(plain))
    assert list(shelf.open_ones()) == list(opened.values())
    assert all(key in shelf for key in plain)
    assert "none" not in shelf
    assert shelf.get("none") is None
    with pytest.raises(KeyError):
        _ = shelf["none"]


@given(PUTS, PUTS)
def test_what_comes_later_changes_nothing_that_was_given_out(puts, later):
    shelf = empty()
    for key, value in puts:
        shelf = shelf.put(key, value)
    before = dict(shelf.items())
    opened = shelf.open_ones()
    other = shelf
    for key, value in later:
        other = other.put(key, value)
    assert dict(shelf.items()) == before
    assert list(shelf) == list(before)
    assert shelf.open_ones() == opened


@given(st.dictionaries(st.integers(0, 90).map(str), st.integers(-3, 0)), PUTS)
def test_packed_values_are_those_that_they_stand_for(closed, puts):
    packed = empty().filled(
        {key: Packed(lambda value=value: value) for key, value in closed.items()}
    )
    plain = empty().filled(closed)
    for key, value in puts:
        packed, plain = packed.put(key, value), plain.put(key, value)
    assert list(packed.items()) == list(plain.items())
    assert packed.open_ones() == plain.open_ones()


def test_a_packed_value_is_made_once_and_not_before_somebody_asks():
    made: list[str] = []

    def make() -> list[str]:
        made.append("made")
        return made

    def never(_value: list[str]) -> bool:
        return False

    packed = Packed(make)
    shelf: Shelf[list[str]] = Shelf({"a": packed}, is_open=never)
    more = shelf.put("b", [])
    assert (len(more), list(more), "a" in more, more.open_ones()) == (2, ["a", "b"], True, ())
    assert dict(more.entries())["a"] is packed
    assert not made
    assert more["a"] is shelf["a"] is packed.made
    assert made == ["made"]


def test_plain_mappings_are_read_and_changed_the_same_way():
    plain = {"a": 1, "b": -1, "c": 2}
    shelf = empty().filled(plain)
    for mapping in (plain, shelf):
        assert put(mapping, "d", 3) == {**plain, "d": 3}
        assert open_ones(mapping, is_open) == (1, 2)
        assert newest(mapping, 2) == (-1, 2)
        assert newest(mapping, 9) == (1, -1, 2)
        assert newest(mapping, 0) == ()
    assert plain == shelf == {"a": 1, "b": -1, "c": 2}
    assert repr(shelf) == "Shelf(3 items, 2 open)"


def test_ten_thousand_changes_copy_no_ten_thousand_times_everything():
    """A plain dictionary would copy fifty million entries here."""
    shelf, copied, old = empty(), 0, None
    for n in range(10_000):
        shelf = shelf.put(str(n), 0)
        if shelf._old is not old:
            old = shelf._old
            copied += len(old)
        copied += len(shelf._new)
    assert copied < 2_000_000
