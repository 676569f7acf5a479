"""Tables that another program pickled, read without running what else a pickle may hold.

A pickle is a program: it may call any function of any module. Here it may build pandas' and numpy's own containers of
plain values and nothing else, so that a file from elsewhere can't act.
"""

# pandas' types have holes.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportMissingTypeStubs=false

from __future__ import annotations

import base64
import io
import pickle
from typing import TYPE_CHECKING, Any

from lab.domain.errors import InputError

if TYPE_CHECKING:
    from lab.optimize.space import Setting

__all__ = ["Table", "read_pickled_frame"]

Table = dict[str, "list[Setting]"]
"""Column -> its values."""

_ALLOWED = frozenset(
    {
        ("builtins", "bytearray"),
        ("builtins", "slice"),
        ("numpy", "dtype"),
        ("numpy", "ndarray"),
        ("numpy.core.multiarray", "_reconstruct"),
        ("numpy.core.multiarray", "scalar"),
        ("numpy._core.multiarray", "_reconstruct"),
        ("numpy._core.multiarray", "scalar"),
        ("numpy.core.numeric", "_frombuffer"),
        ("numpy._core.numeric", "_frombuffer"),
        ("pandas", "DataFrame"),
        ("pandas", "Index"),
        ("pandas", "RangeIndex"),
        ("pandas", "StringDtype"),
        ("pandas.arrays", "ArrowStringArray"),
        ("pandas.arrays", "StringArray"),
        ("pandas.core.frame", "DataFrame"),
        ("pandas.core.indexes.base", "Index"),
        ("pandas.core.indexes.base", "_new_Index"),
        ("pandas.core.indexes.range", "RangeIndex"),
        ("pandas.core.internals.managers", "BlockManager"),
        ("pandas._libs.internals", "_unpickle_block"),
        ("pandas._libs.arrays", "__pyx_unpickle_NDArrayBacked"),
        ("pyarrow.lib", "_restore_array"),
        ("pyarrow.lib", "py_buffer"),
        ("pyarrow.lib", "type_for_alias"),
    }
)
"""Module and name of all that a table of numbers and texts is made of."""


class _Reader(pickle.Unpickler):
    def find_class(self, module_name: str, global_name: str, /) -> Any:  # noqa: ANN401 - whatever was pickled
        if (module_name, global_name) not in _ALLOWED:
            raise pickle.UnpicklingError(f"it asks for {module_name}.{global_name}")
        return super().find_class(module_name, global_name)


def read_pickled_frame(text: str, where: str) -> tuple[list[str], Table]:
    """The row names and the columns of a data frame that was pickled and written as base64.

    InputError for what is no such table, or holds more than numbers and texts.
    """
    import pandas as pd

    try:
        frame = _Reader(io.BytesIO(base64.b64decode(text, validate=True))).load()
    except (
        Exception
    ) as error:  # no base64, a refused name; another version of pandas may fail in any way
        raise _unreadable(where, error) from error
    if not isinstance(frame, pd.DataFrame):
        raise _unreadable(where, TypeError(f"a {type(frame).__name__} is no table"))
    for part in (frame.columns, frame.index, *(column for _, column in frame.items())):
        _check_buffers(part.array, where)
    columns: Table = {}
    for name in frame.columns:
        values: list[Any] = frame[name].tolist()
        if not all(isinstance(value, str | int | float) for value in values):
            raise _unreadable(where, TypeError(f"column {name} holds more than numbers and texts"))
        columns[str(name)] = [value if isinstance(value, str) else float(value) for value in values]
    return [str(name) for name in frame.index.tolist()], columns


def _check_buffers(array: Any, where: str) -> None:  # noqa: ANN401 - any of pandas' arrays
    """Texts in Arrow's form point into a buffer: not beyond its end."""
    if hasattr(array, "__arrow_array__") and type(array).__name__.startswith("Arrow"):
        try:
            array.__arrow_array__().validate(full=True)
        except ValueError as error:
            raise _unreadable(where, error) from error


def _unreadable(where: str, error: Exception) -> InputError:
    return InputError(
        f"{where}: the table can't be read: {error}",
        hint="read the state with the pandas that wrote it, or write its measurements as CSV and use add_frame",
    )
