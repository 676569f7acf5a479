"""YAML 1.2 text to a plain tree that knows the line and column of each key and value.

Files people write are untrusted input: an alias can unfold 400 bytes to millions of nodes, brackets can exhaust
the stack, a doubled key silently drops a dose. The tree is built here from parser events, so every limit holds
before the memory is spent, and plain scalars are read by the YAML 1.2 core schema alone (`no` is a text, `1.10`
a number, `12:30` a text).
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from lab.domain.diagnostic import Diagnostic, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import JsonValue

__all__ = ["Document", "Path", "Position", "read_document"]

Path = tuple[str | int, ...]
"""Keys and list indices from the root to a value."""

_MAX_BYTES = 1_000_000
_MAX_DEPTH = 50
_MAX_NODES = 20_000
_MAX_DIGITS = 40
_INTEGER = re.compile(r"[-+]?[0-9]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_OTHER_BASE = re.compile(r"0[xo][0-9A-Fa-f]+")
_HIDDEN_BREAK = re.compile("\r(?!\n)|[\x85\u2028\u2029]")
"""What YAML takes for the end of a line, and most editors do not."""
_VERSION_KEYS = ("version", "sop_version")


class Position(NamedTuple):
    """Counted from 1."""

    line: int
    column: int


@dataclass(slots=True)
class Document:
    """A file's text, its tree and its positions. `data` is None where the file could not be read as a tree."""

    file: str
    text: str
    data: dict[str, JsonValue] | None = None
    keys: dict[Path, Position] = field(default_factory=dict[Path, Position])
    values: dict[Path, Position] = field(default_factory=dict[Path, Position])
    diagnostics: list[Diagnostic] = field(default_factory=list[Diagnostic])

    def finding(
        self,
        path: Path,
        code: str,
        message: str,
        *,
        why: str = "",
        hint: str = "",
        severity: Severity = "error",
        at_key: bool = False,
    ) -> Diagnostic:
        """A diagnostic at a value (or its key); at the nearest parent where the path does not exist."""
        return self.at(
            self.position(path, at_key=at_key), code, message, why=why, hint=hint, severity=severity
        )

    def at(
        self,
        position: Position,
        code: str,
        message: str,
        *,
        why: str = "",
        hint: str = "",
        severity: Severity = "error",
    ) -> Diagnostic:
        """A diagnostic at a position."""
        lines = self.text.split("\n")
        inside = 1 <= position.line <= len(lines)
        source = lines[position.line - 1].rstrip("\r") if inside else ""
        return Diagnostic(
            file=self.file,
            line=position.line,
            column=position.column,
            code=code,
            severity=severity,
            message=message,
            why=why,
            hint=hint,
            source_line=source,
        )

    def position(self, path: Path, *, at_key: bool = False) -> Position:
        """Where a value (or key) is; its nearest parent's place where it is not in the file."""
        for length in range(len(path), 0, -1):
            part = path[:length]
            if part in self.values:
                # a missing child is shown at the parent's key, which names what is incomplete
                if (at_key or length < len(path)) and part in self.keys:
                    return self.keys[part]
                return self.values[part]
        return Position(1, 1)


def read_document(text: str, file: str) -> Document:
    """Read YAML. Everything wrong is in `diagnostics`; nothing is raised."""
    document = Document(file, text)
    if len(text.encode(errors="replace")) > _MAX_BYTES:
        document.diagnostics.append(
            document.at(
                Position(1, 1),
                "too-large",
                "the file is larger than 1 MB",
                hint="a procedure of 300 steps has 100 kB; keep data in files of their own",
            )
        )
        return document
    hidden = _HIDDEN_BREAK.search(text)
    if hidden:
        document.diagnostics.append(_hidden_break(document, hidden.start()))
        return document
    try:
        tree = _Builder(document).build()
    except _StopError as stop:
        document.diagnostics.append(stop.diagnostic)
        return document
    if document.diagnostics:
        return document
    if tree is None:
        document.diagnostics.append(
            document.at(Position(1, 1), "empty", "the file is empty", hint="start from `lab new`")
        )
        return document
    if not isinstance(tree, dict):
        document.diagnostics.append(
            document.at(
                Position(1, 1),
                "shape",
                "the file is not a mapping of keys to values",
                hint="start from `lab new`",
            )
        )
        return document
    document.data = tree
    return document


def _hidden_break(document: Document, offset: int) -> Diagnostic:
    return document.at(
        _position(document.text, offset),
        "syntax",
        f"a hidden line break (U+{ord(document.text[offset]):04X}) stands here",
        why="what looks like one line is read as two",
        hint="delete the character, or end the line with a plain newline",
    )


class _StopError(Exception):
    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(diagnostic.message)
        self.diagnostic = diagnostic


@dataclass(frozen=True, slots=True)
class _Event:
    """A parser event of ruamel.yaml, as far as it matters here."""

    kind: str
    place: Position
    text: str
    plain: bool
    """A scalar without quotes."""
    anchor: bool
    tag: bool
    directive: bool


def _events(document: Document) -> Iterator[_Event]:
    """What the parser sees; its errors are turned into diagnostics."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError
    from ruamel.yaml.reader import ReaderError

    # ruamel.yaml declares few types: what comes from it is Any up to here and an _Event after it
    parser: Any = YAML(typ="safe", pure=True)
    try:
        for event in cast("Iterator[Any]", parser.parse(document.text)):
            mark = event.start_mark
            yield _Event(
                kind=type(event).__name__.removesuffix("Event"),
                place=Position(mark.line + 1, mark.column + 1),
                text=str(getattr(event, "value", "")),
                plain=getattr(event, "style", None) is None,
                anchor=bool(getattr(event, "anchor", None)),
                tag=bool(getattr(event, "tag", None)),
                directive=bool(getattr(event, "version", None) or getattr(event, "tags", None)),
            )
    except MarkedYAMLError as error:
        marked: Any = error
        mark = marked.problem_mark or marked.context_mark
        position = Position(mark.line + 1, mark.column + 1) if mark else Position(1, 1)
        problem = str(marked.problem or marked.context or "this is not YAML")
        raise _StopError(_syntax(document, position, problem)) from error
    except ReaderError as error:
        offset = int(cast("Any", error).position)
        raise _StopError(_unreadable(document, offset)) from error
    except (YAMLError, ValueError, IndexError, AttributeError, TypeError) as error:
        # hostile text makes the scanner fail in other ways too, e.g. on control characters
        problem = str(error).split("\n", maxsplit=1)[0]
        raise _StopError(_syntax(document, Position(1, 1), problem)) from error


def _unreadable(document: Document, offset: int) -> Diagnostic:
    code = ord(document.text[offset]) if 0 <= offset < len(document.text) else 0
    return document.at(
        _position(document.text, offset),
        "syntax",
        f"a character that no text has stands here (U+{code:04X})",
        hint="delete it; many editors do not show it",
    )


def _position(text: str, offset: int) -> Position:
    before = text[: max(0, offset)].split("\n")
    return Position(len(before), len(before[-1]) + 1)


def _syntax(document: Document, position: Position, problem: str) -> Diagnostic:
    lines = document.text.split("\n")
    line = lines[position.line - 1] if position.line <= len(lines) else ""
    hint = "check indentation, colons and quotes around here"
    if problem.startswith("expected <block end>"):
        problem = "this does not belong where its indentation puts it"
        hint = (
            "indent it like its neighbours; if it is, a quote or bracket before it was never closed"
        )
    if "\t" in line:
        hint = "indent with blanks, not with tabs"
    elif "${" in line and "{" in line.split("${", maxsplit=1)[0]:
        hint = 'inside { } write the expression in quotes: "${...}"'
    return document.at(position, "syntax", f"not readable as YAML: {problem}", hint=hint)


def _named(path: Path) -> str:
    last = path[-1]
    if isinstance(last, str):
        return f'"{last}"'
    return f"item {last + 1}" + (f' of "{path[-2]}"' if len(path) > 1 else "")


class _Builder:
    """Builds the tree from events. Recursion is bounded by `_MAX_DEPTH`."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._events = _events(document)
        self._nodes = 0

    def build(self) -> JsonValue:
        tree: JsonValue = None
        documents = 0
        for event in self._events:
            kind = event.kind
            if kind == "DocumentStart":
                documents += 1
                if documents > 1:
                    raise self._stop(
                        event,
                        "syntax",
                        "a file holds one document, not several",
                        hint="remove the line `---`, or make two files",
                    )
                if event.directive:
                    raise self._stop(
                        event,
                        "syntax",
                        "% directives are not allowed",
                        hint="remove the lines that begin with %",
                    )
            elif kind.startswith(("Scalar", "Mapping", "Sequence", "Alias")):
                tree = self._node(event, ())
        return tree

    def _stop(
        self,
        event: _Event,
        code: str,
        message: str,
        why: str = "",
        hint: str = "write it out plainly",
    ) -> _StopError:
        return _StopError(self._document.at(event.place, code, message, why=why, hint=hint))

    def _node(self, event: _Event, path: Path) -> JsonValue:
        self._refuse_tricks(event, path)
        self._document.values[path] = event.place
        if event.kind == "Scalar":
            return self._scalar(event, path)
        if event.kind == "SequenceStart":
            items: list[JsonValue] = []
            while (item := next(self._events)).kind != "SequenceEnd":
                items.append(self._node(item, (*path, len(items))))
            return items
        return self._mapping(path)

    def _refuse_tricks(self, event: _Event, path: Path) -> None:
        self._nodes += 1
        if self._nodes > _MAX_NODES:
            raise self._stop(
                event,
                "too-large",
                f"more than {_MAX_NODES} values in one file",
                hint="a procedure of 300 steps has 8000; write loops, or call another SOP",
            )
        if len(path) > _MAX_DEPTH:
            raise self._stop(
                event,
                "too-deep",
                f"nested more than {_MAX_DEPTH} levels deep",
                hint="take blocks out of blocks, or call another SOP",
            )
        if event.kind == "Alias" or event.anchor:
            raise self._stop(
                event,
                "alias",
                "anchors (&) and aliases (*) are not allowed",
                "a step that is defined elsewhere can't be read and signed in place",
                "write the value out",
            )
        if event.tag:
            raise self._stop(event, "tag", "tags (!) are not allowed", hint="write a plain value")

    def _mapping(self, path: Path) -> dict[str, JsonValue]:
        result: dict[str, JsonValue] = {}
        while (event := next(self._events)).kind != "MappingEnd":
            self._refuse_tricks(event, path)
            if event.kind != "Scalar":
                raise self._stop(
                    event,
                    "syntax",
                    "a key must be a plain name",
                    hint='a value that starts with { or [ must be in quotes: "${...}"',
                )
            key = event.text
            if event.plain and key == "<<":
                raise self._stop(
                    event,
                    "alias",
                    "merge keys (<<) are not allowed",
                    "a step that is defined elsewhere can't be read and signed in place",
                    "write the keys out",
                )
            child = (*path, key)
            if key in result:
                first = self._document.keys[child]
                raise self._stop(
                    event,
                    "duplicate-key",
                    f'"{key}" is given twice (first on line {first.line})',
                    "only one of the two would count, and nobody would see which",
                    "remove or rename one",
                )
            self._document.keys[child] = event.place
            result[key] = self._node(next(self._events), child)
        return result

    def _scalar(self, event: _Event, path: Path) -> JsonValue:
        text = event.text
        if not event.plain:
            return text
        if text in ("", "~", "null", "Null", "NULL"):
            # a missing value has no place of its own: the parser puts it where the next thing begins
            empty = path in self._document.keys and not text
            if empty and self._after_comma(self._document.keys[path], str(path[-1])):
                raise _StopError(
                    self._document.at(
                        self._document.keys[path],
                        "decimal-comma",
                        f'"{path[-1]}" follows a decimal comma',
                        why="in { } and [ ] a comma begins the next entry",
                        hint="write a decimal point",
                    )
                )
            raise _StopError(
                self._document.at(
                    self._document.keys[path] if empty else event.place,
                    "empty",
                    f"{_named(path)} has no value" if path else "the file is empty",
                    hint="leave the key out, or give a value ({} for nothing, [] for no items)",
                )
            )
        if text in ("true", "True", "TRUE", "false", "False", "FALSE"):
            return text.lower() == "true"
        number = self._number(event, text)
        if number is not None and path and path[-1] in _VERSION_KEYS:
            raise self._stop(
                event,
                "version",
                f"a version is a text: {text} is read as the number {number:g}",
                "version 1.10 would become 1.1",
                f'write it in quotes: "{text}"',
            )
        return text if number is None else number

    def _after_comma(self, place: Position, key: str) -> bool:
        """Does a key that begins with a digit stand right behind a digit and a comma?"""
        before = self._document.text.split("\n")[place.line - 1][: place.column - 1]
        return key[:1].isdigit() and re.search(r"[0-9],$", before) is not None

    def _number(self, event: _Event, text: str) -> float | int | None:
        if _NOT_FINITE.fullmatch(text) or (
            len(text) > _MAX_DIGITS and (_FLOAT.fullmatch(text) or _INTEGER.fullmatch(text))
        ):
            raise self._stop(
                event,
                "number",
                f"{text[:_MAX_DIGITS]} is not a usable number",
                hint="write a finite number of usual length; a text goes in quotes",
            )
        if _OTHER_BASE.fullmatch(text):
            return int(text, 0)
        if _INTEGER.fullmatch(text):
            return int(text)
        if not _FLOAT.fullmatch(text):
            return None
        value = float(text)
        if not math.isfinite(value):
            raise self._stop(
                event,
                "number",
                f"{text} is not a usable number",
                hint="write a finite number of usual length",
            )
        return value
