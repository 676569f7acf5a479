"""`dataclasses.replace` for frozen values with slots, at a tenth of its price: a journal is folded by little else. Pure."""

from __future__ import annotations

from dataclasses import fields
from functools import cache
from types import MemberDescriptorType
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["replace"]

T = TypeVar("T")


@cache
def _copier(kind: type[Any], *changed: str) -> Callable[..., Any]:
    """A function that copies a value of that kind, but for the fields that it is given.

    Written out for each pair of kind and changed fields, as `dataclasses` writes out `__init__`: slot by slot, without a
    look at what may be changed and without the detour by which `__init__` sets the fields of a frozen value.
    """
    names = [field.name for field in fields(kind)]
    unknown = [name for name in changed if name not in names]
    if unknown:
        raise TypeError(f"{kind.__name__} has no field '{unknown[0]}'")
    # Names with underscores in front, so that no field has them.
    space: dict[str, Any] = {"_new": object.__new__, "_kind": kind}
    lines = [f"def _copy(_old, /, *, {', '.join(changed)}):", "    _copied = _new(_kind)"]
    for number, name in enumerate(names):
        slot = getattr(kind, name, None)
        if not isinstance(slot, MemberDescriptorType) or hasattr(kind, "__post_init__"):
            raise TypeError(f"{kind.__name__} is no dataclass of slots alone")
        space[f"_set_{number}"] = slot.__set__
        source = name if name in changed else f"_old.{name}"
        lines.append(f"    _set_{number}(_copied, {source})")
    exec("\n".join([*lines, "    return _copied"]), space)  # of the names of our own fields
    return space["_copy"]


def replace(value: T, /, **changes: object) -> T:
    """The same value with other fields. TypeError for a field that it does not have, and for a kind without slots."""
    if not changes:
        return value
    return _copier(type(value), *changes)(value, **changes)
