"""Pickled tables are read; what else a pickle may ask for is refused before it acts."""

from __future__ import annotations

import base64
import builtins
import collections
import os
import pickle
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lab.domain.errors import InputError
from lab.optimize.pickled_frame import read_pickled_frame


def _text(content: object) -> str:
    return base64.b64encode(pickle.dumps(content)).decode()


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame({"a": [1.0, 2.5], "b": ["x", "y"]}),
        pd.DataFrame({"a": [1, 2], "b": ["x", "y"], "c": [True, False]}, index=["p", "q"]),
        pd.DataFrame({"a": np.array([1, 2], dtype=object)}),
        pd.DataFrame({"a": [0.1, float("nan")]}, index=pd.RangeIndex(4, 6)),
        pd.DataFrame(),
    ],
)
def test_numbers_and_texts_come_as_they_were(frame: pd.DataFrame):
    names, columns = read_pickled_frame(_text(frame), "here")
    assert names == [str(name) for name in frame.index]
    assert list(columns) == [str(name) for name in frame.columns]
    for name, values in columns.items():
        told = frame[name].tolist()
        assert values == pytest.approx([v if isinstance(v, str) else float(v) for v in told], nan_ok=True)  # fmt: skip


class _Acts:
    """What a hostile file holds: a call."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = function, arguments

    def __reduce__(self) -> Any:
        return self.call


@pytest.mark.parametrize(
    ("function", "argument", "words"),
    [
        (os.system, "touch acted", "posix.system"),
        (builtins.eval, "open('acted', 'w')", "builtins.eval"),
        (builtins.__import__, "antigravity", "builtins.__import__"),
        (collections.OrderedDict, [], "collections.OrderedDict"),
    ],
)
def test_a_call_is_refused_and_not_made(
    function: Any, argument: Any, words: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=f"it asks for {words}"):
        read_pickled_frame(_text(_Acts(function, argument)), "here")
    hidden = pd.DataFrame({"a": np.array([_Acts(function, argument), 1], dtype=object)})
    with pytest.raises(InputError, match=f"here: the table can't be read: it asks for {words}"):
        read_pickled_frame(_text(hidden), "here")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("no base 64 !", "base64"),
        ("", "Ran out of input"),
        (base64.b64encode(b"\x80\x05]").decode(), "can't be read"),
        (_text(3.0), "a float is no table"),
        (_text({"a": [1]}), "a dict is no table"),
    ],
)
def test_what_is_no_table_is_refused(text: str, words: str):
    with pytest.raises(InputError, match=words):
        read_pickled_frame(text, "here")


def test_values_that_are_neither_number_nor_text_are_refused():
    frame = pd.DataFrame({"a": np.array([None, 1.0], dtype=object)})
    with pytest.raises(InputError, match="column a"):
        read_pickled_frame(_text(frame), "here")
