"""Files that can't be read as a tree: encodings, YAML's traps, sizes."""

from __future__ import annotations

from tests.corpus.cases import base, edit, whole

__all__ = ["CASES"]

_BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [*{before}, *{before}, *{before}, *{before}, *{before}, *{before}]\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)

CASES = (
    whole("an empty file", "plain", "empty", ""),
    whole("only blanks and comments", "plain", "empty", "  \n# nothing here\n"),
    whole("a list instead of a mapping", "plain", "shape", "- sop_format: 1\n- id: x\n"),
    whole("a single text", "plain", "shape", "sop_format\n"),
    whole("not UTF-8", "plain", "file", b"sop_format: 1\ntitle: M\xfcnster\n"),
    whole("UTF-16", "plain", "file", "sop_format: 1\n".encode("utf-16")),
    whole("larger than 1 MB", "plain", "file", "# " + "x" * 1_000_001),
    whole("a bomb of aliases", "plain", "alias", "sop_format: 1\n" + _BOMB),
    whole("brackets 10,000 deep", "plain", "too-deep", "sop_format: " + "[" * 10_000),
    whole("mappings 60 deep", "plain", "too-deep", "x: " + "{x: " * 60 + "1" + "}" * 60),
    whole("100,001 values", "plain", "too-large", "x: [" + "1," * 100_001 + "]"),
    whole("an unclosed bracket", "plain", "syntax", "sop_format: 1\nx: [1, 2\ny: 3\n"),
    whole("a control character", "plain", "syntax", "sop_format: 1\nid: a\x07b\n"),
    whole("a null byte", "plain", "syntax", "sop_format: 1\nid: a\x00b\n"),
    whole("a key without a colon", "plain", "syntax", "sop_format: 1\nid\ntitle: x\n"),
    whole("a date as key", "plain", "key-unknown", base("plain") + "2026-11-21: done\n"),
    whole("two documents", "plain", "syntax", base("plain") + "---\nsop_format: 1\n"),
    whole("a directive", "plain", "syntax", "%YAML 1.1\n---\n" + base("plain")),
    whole("a tag directive", "plain", "syntax", "%TAG ! tag:x,2000:\n---\n" + base("plain")),
    edit("a BOM in the middle", "plain", "key-unknown", "\nmaterials:", "\n\ufeffmaterials:"),
    edit("a tab as indentation", "plain", "syntax", "    unit: mL", "\tunit: mL"),
    edit("a tab after blanks", "plain", "syntax", "    unit: mL", "  \tunit: mL"),
    edit("one blank too few", "plain", "syntax", "    unit: mL", "   unit: mL"),
    edit("an anchor", "plain", "alias", "title: Stir", "title: &s Stir"),
    edit("an alias", "plain", "alias", "title: Stir", "title: *again"),
    edit("a merge key", "plain", "alias", "    unit: mL", "    <<: *volume\n    unit: mL"),
    edit("a merge key with a mapping", "plain", "alias", "    unit: mL", "    <<: {role: factor}\n    unit: mL"),
    edit("a tag", "plain", "tag", "title: Stir", "title: !!str Stir"),
    edit("a tag of Python", "plain", "tag", "title: Stir", "title: !!python/object/apply:os.system [ls]"),
    edit("a key given twice", "plain", "duplicate-key", "  - id: weigh\n", "  - id: weigh\n    id: weigh_2\n"),
    edit("a parameter given twice", "plain", "duplicate-key", "  dilute_volume:\n", "  concentrate_volume:\n"),
    edit("a mapping as key", "plain", "syntax", "title: Stir", "{a: b}: Stir"),
    edit("an expression without quotes in braces", "plain", "syntax", "    with:\n      volume: ${concentrate_volume}\n      rate: 20 mL/min", "    with: {volume: ${concentrate_volume}, rate: 20 mL/min}"),
    edit("a key without value", "plain", "empty", "title: Stir", "title:"),
    edit("null", "plain", "empty", "title: Stir", "title: null"),
    edit("a tilde", "plain", "empty", "needs: [tare]", "needs: ~"),
    edit("a list item without value", "plain", "empty", "needs: [tare]", "needs:\n      - "),
    edit("not a number", "rich", "number", "k: 2.0", "k: .nan"),
    edit("infinity", "rich", "number", "k: 2.0", "k: .inf"),
    edit("a number beyond the range", "rich", "number", "k: 2.0", "k: 1e999"),
    edit("a number of 60 digits", "rich", "number", "k: 2.0", "k: " + "9" * 60),
    edit("version 1.10 without quotes", "plain", "version", 'version: "1.1.0"', "version: 1.10"),
    edit("version 1 without quotes", "plain", "version", 'version: "1.1.0"', "version: 1"),
    edit("a version of a call without quotes", "rich", "version", 'version: "1.2.0"', "version: 1.2"),
    edit("a version of a campaign without quotes", "campaign", "version", 'sop_version: "1.1.0"', "sop_version: 1.1"),
    edit("smart quotes", "plain", "value", 'version: "1.1.0"', "version: \u201c1.0.0\u201d"),
    edit("an unclosed quote", "plain", "syntax", 'version: "1.1.0"', 'version: "1.0.0'),
)  # fmt: skip
