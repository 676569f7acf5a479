"""Words that tell a person something and a machine nothing, one row each. `lab.sop.vague` looks for them.

The complaint is from the wet-chemistry ontology of BAM (Digital Discovery 2026, 10.1039/d6dd00058d): "overnight", "room
temperature" and "slow addition" are of no use to a machine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["SETTLING", "WHY", "WORDS", "WORDS_FOR_VALUES", "Kind"]

Kind = Literal[
    "duration",
    "temperature",
    "rate",
    "force",
    "amount",
    "count",
    "interval",
    "delay",
    "end",
    "tolerance",
    "condition",
]

WHY: Mapping[Kind, str] = {
    "duration": "no machine knows how long that is, and the record would not say it",
    "temperature": "rooms, seasons and people differ by several kelvin, and rates with them",
    "rate": "the rate decides on heat, mixing and crystal size; a pump or heater needs a number",
    "force": "a stirrer or shaker needs a number, and what is enough differs between vessels",
    "amount": "it can be neither dosed nor repeated, and mass balance and volume checks lose it",
    "count": "a machine repeats a number of times",
    "interval": "a machine needs to know when",
    "delay": "a planner keeps a limit in seconds; it cannot keep a wish",
    "end": "without a criterion or a time nothing can tell that the step is over",
    "tolerance": "how far off is still right must be said, or nobody can check it",
    "condition": "who decides, and by what? A run cannot ask each time",
}

_TIME = r"(?:ms|s|sec|seconds?|min|minutes?|h|hr|hours?|d|days?|weeks?)"
SETTLING: Mapping[Kind, str] = {
    # a number with one of these units beside the word says what it means; kinds that are not here stay vague
    "duration": _TIME,
    "temperature": r"(?:degC|degF|°\s?[CF]|℃|K)",
    "rate": rf"(?:[^\s\d()]+/(?:s|min|h|d)|[^\s\d()]+\s(?:s|min|h)\^?-1|rpm|Hz|{_TIME})",
    "force": r"(?:rpm|Hz|1/min|x\s?g)",
    "amount": r"(?:[kmunµ]?(?:L|l|g|mol|M)|%|percent|equiv\w*\.?|eq\.?|-?\s?fold|drops?)",
    "count": r"(?:times|x|\u00d7|drops?|portions?|rinses?|cycles?|\)|$)",
    "interval": _TIME,
    "delay": _TIME,
}

_WITHIN = "a timing rule: at most 60 s after the step before"
_STIR = "a speed: 600 rpm"
_RATE = "a rate: 1 mL/min, 2 K/min"
_ROOM = "22 degC as an argument; 20 degC to 25 degC as limits"
_BRANCH = "a parameter, or a check that says when"

WORDS: tuple[tuple[str, Kind, str, str], ...] = (
    # the word as people write it, kind, pattern, what to write instead
    ("overnight", "duration", r"over[\s-]*night", "16 h"),
    ("o/n", "duration", r"o/n", "16 h"),
    ("over the weekend", "duration", r"over\s+(?:the\s+|a\s+)?week-?end", "64 h"),
    ("until the next day", "duration", r"until\s+the\s+next\s+(?:day|morning)", "16 h"),
    ("for some time", "duration", r"(?:for\s+)?some\s+time", "10 min"),
    (
        "a while",
        "duration",
        r"(?:for\s+)?(?:quite\s+)?a\s+(?:little\s+|short\s+|long\s+)?while",
        "10 min",
    ),
    ("a short time", "duration", r"(?:for\s+)?a\s+(?:short|long)\s+time", "10 s, 2 h"),
    ("briefly", "duration", r"briefly|for\s+a\s+moment|momentarily", "10 s"),
    ("room temperature", "temperature", r"room[\s-]+temp(?:erature|\.|(?!\w))", _ROOM),
    ("RT", "temperature", r"(?-i:RT)(?!\s*[=:]?\s*\d)|r\.\s?t\.", _ROOM),
    (
        "ambient",
        "temperature",
        r"ambient\s+(?:temp(?:erature|\.)|conditions)|(?<=at\s)ambient(?!\s+\w)",
        _ROOM,
    ),
    ("ice-cold", "temperature", r"ice[\s-]*cold", "0 degC to 4 degC as limits"),
    (
        "cold",
        "temperature",
        r"cold(?!\s+(?:trap|finger|plate|junction|start|spot|room|storage|end|side|wall|head|cathode)s?\b)",
        "4 degC",
    ),
    ("warm", "temperature", r"warm(?!\s*up\b)(?!\s+white\b)", "40 degC"),
    ("lukewarm", "temperature", r"lukewarm|tepid|hand-?warm", "35 degC"),
    ("body temperature", "temperature", r"body\s+temperature", "37 degC"),
    ("elevated temperature", "temperature", r"(?:elevated|moderate)\s+temperatures?", "60 degC"),
    (
        "standard conditions",
        "temperature",
        r"(?:standard|normal)\s+(?:conditions|temperature)|(?-i:STP)",
        "0 degC and 100 kPa; several standards bear the name",
    ),
    (
        "slowly",
        "rate",
        r"slowly|gradually|slow\s+(?:addition|heating|cooling|evaporation|flow|stream|ramp)",
        _RATE,
    ),
    ("dropwise", "rate", r"drop[\s-]*wise|drop\s+by\s+drop", "1 mL/min"),
    (
        "portionwise",
        "rate",
        r"portion[\s-]*wise|in\s+portions(?!\s+of\s*[\d$])",
        "5 portions, one each 2 min",
    ),
    ("quickly", "rate", r"quickly|rapidly|swiftly|(?:quick|rapid|fast)\s+addition", _RATE),
    (
        "gently",
        "force",
        r"gently|gentle\s+(?:stirring|shaking|mixing|heating|reflux|flow|stream)",
        "a speed: 100 rpm; a temperature: 40 degC",
    ),
    ("vigorously", "force", r"vigorously|vigorous\s+(?:stirring|shaking|mixing)", _STIR),
    ("slow stirring", "force", r"(?:slow|fast|rapid)\s+(?:stirring|shaking|mixing)", _STIR),
    ("some", "amount", r"some", "5 mL"),
    ("a few", "count", r"(?:a\s+)?few", "3 times, 5 min, 150 uL"),
    ("a couple of", "count", r"a\s+couple(?:\s+of)?", "2"),
    ("several", "count", r"several", "3 times"),
    ("repeatedly", "count", r"repeatedly|a\s+number\s+of\s+times", "3 times"),
    ("thoroughly", "count", r"thoroughly", "3 rinses of 5 mL"),
    ("a little", "amount", r"a\s+(?:little|bit)(?:\s+(?:bit|of))*", "0.5 mL"),
    (
        "a drop of",
        "amount",
        r"a\s+(?:drop|pinch|splash|dash|tip|spatula(?:\s+tip)?)\s+(?:full\s+)?of",
        "50 uL, 10 mg",
    ),
    ("excess", "amount", r"excess", "1.2 times the amount of the partner, as an expression"),
    (
        "catalytic amount",
        "amount",
        r"catalytic\s+(?:amount|quantity)",
        "0.05 times the amount of the reactant",
    ),
    (
        "small amount",
        "amount",
        r"(?:small|large|trace|certain|suitable|appropriate|sufficient|adequate|generous)\s+"
        r"(?:amount|volume|quantity|quantities|portion)s?|traces\s+of",
        "0.5 mL",
    ),
    ("enough", "amount", r"enough", "20 mL"),
    ("quantum satis", "amount", r"quantum\s+sat(?:is)?|q\.\s?s\.", "up to 100 mL"),
    (
        "occasionally",
        "interval",
        r"occasionally|periodically|regularly|frequently|from\s+time\s+to\s+time|(?:every\s+)?now\s+and\s+then",
        "every 10 min",
    ),
    ("immediately", "delay", r"immediately|promptly", _WITHIN),
    ("as soon as possible", "delay", r"as\s+soon\s+as\s+possible|asap|soon", _WITHIN),
    ("shortly", "delay", r"shortly", _WITHIN),
    (
        "until done",
        "end",
        r"until\s+(?:(?:it|they|everything|the\s+reaction|the\s+solid)\s+)?(?:(?:is|are|has|looks|all)\s+)*"
        r"(?:fully\s+|completely\s+)?(?:done|complete|completed|finished|ready|dry|dissolved|clear|homogeneous)",
        "a duration, or a measured check with a limit and a timeout",
    ),
    (
        "to dryness",
        "end",
        r"to\s+dryness",
        "60 min at 40 degC, or until the mass changes by less than 1 mg in 10 min",
    ),
    (
        "approximately",
        "tolerance",
        r"approximately|approx\.?(?=\s)|more\s+or\s+less",
        "5 mL, with minimum and maximum",
    ),
    (
        "about",
        "tolerance",
        r"(?:about|around|roughly|circa|ca\.?|nearly)(?=\s*[\d$])",
        "5 mL, with minimum and maximum",
    ),
    ("~", "tolerance", r"[~\u2248\u223c](?=\s*\d)", "5 mL, with minimum and maximum"),
    (
        "if necessary",
        "condition",
        r"(?:if|when|where|as)\s+(?:necessary|needed|required|appropriate|desired)",
        _BRANCH,
    ),
    ("if possible", "condition", r"(?:if|where|when)\s+possible", _BRANCH),
)

WORDS_FOR_VALUES: tuple[tuple[str, Kind, str, str], ...] = (
    # where a quantity is due these say nothing either; in a sentence they often do
    ("rt", "temperature", r"rt", _ROOM),
    ("ambient", "temperature", r"ambient(?!\s+(?:light|pressure|noise))", _ROOM),
    ("hot", "temperature", r"hot|cool|chilled|boiling", "60 degC"),
    ("slow", "rate", r"slow|fast|quick|rapid|gradual", _RATE),
    ("gentle", "force", r"gentle|vigorous|moderate", _STIR),
    ("short", "duration", r"short|long", "10 s, 2 h"),
    ("high", "amount", r"high|low|medium|small|large|little|much|plenty", "a number with its unit"),
    (
        "as usual",
        "condition",
        r"as\s+usual|usual|normal|standard|default",
        "a number with its unit",
    ),
    ("qs", "amount", r"q\.?s\.?", "up to 100 mL"),
    (
        "until",
        "end",
        r"until(?!\s+\d)",
        "a duration, or a measured check with a limit and a timeout",
    ),
)
