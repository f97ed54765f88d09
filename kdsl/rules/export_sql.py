"""A rule book as SQL: a query that gives each row of a table the label that the book gives it.

The table has a sample's texts in normal form, and what is counted and measured in its pictures, as `sql_row` makes
them. A column that a table cannot have stays NULL: SQL's logic of three values tells the rows on which it matters from
those on which it does not, and only on the former the query leaves the label open.
"""

from __future__ import annotations

from collections.abc import Sequence

from kdsl.evidence.types import Evidence
from kdsl.rules.book import RuleBook
from kdsl.rules.literals import (
    FACTS,
    MEASURES,
    PATTERNS,
    Bound,
    LineCount,
    Measure,
    OcrGroup,
    OcrPattern,
    OcrText,
    PictureFact,
    RuleLiteral,
    TurnGroup,
    TurnText,
)
from kdsl.rules.normalised import PLACES, WHO, NormalisedEvidence, Place, Searched, Who
from kdsl.rules.rule import Rule

TABLE = "samples"
"""The table that the query reads; besides the columns below it has `id`."""
_TURNS: dict[Who, str] = {
    "last user": "last_user_turn",
    "first user": "first_user_turn",
    "user": "user_turns",
    "agent": "agent_turns",
}
_LINES = "ocr_line_count"
_SIGN: dict[Bound, str] = {"at least": ">=", "at most": "<="}
_EXTREME: dict[Bound, str] = {"at least": "most", "at most": "least"}
_TERMS = 100
"""Of a sum without brackets."""
_WITHOUT: dict[Bound, float] = {"at least": -1, "at most": 1e9}
"""Stands for the measure of a sample without pictures, of which no bound holds."""


def sql_row(evidence: Evidence) -> dict[str, str | float]:
    """The columns of a sample that queries read, by name."""
    seen = NormalisedEvidence.of(evidence)
    row: dict[str, str | float] = {"id": evidence.sample.id, _LINES: len(seen.lines)}
    for place in (None, *PLACES):
        row |= _both(_ocr(place), seen.ocr[place])
    for who in WHO:
        row |= _both(_TURNS[who], seen.spoken[who])
    for pattern in map(OcrPattern, PATTERNS):
        row[_column(pattern)] = len(pattern.units(seen))
    for fact in map(PictureFact, FACTS):
        row[_column(fact)] = int(fact.matches(seen))
    for name in MEASURES:
        values = [Measure.value(name, facts) for facts in seen.facts]
        row[_column(Measure(name, "at least", 0))] = max(values, default=_WITHOUT["at least"])
        row[_column(Measure(name, "at most", 0))] = min(values, default=_WITHOUT["at most"])
    return row


def _both(name: str, searched: Searched) -> dict[str, str]:
    return {name: searched.characters, f"{name}_words": searched.words}


def _ocr(place: Place | None) -> str:
    return f"ocr_lines_{place}" if place else "ocr_lines"


def _column(literal: RuleLiteral) -> str:
    """The column that a literal reads; literals of a group of words are asked one by one."""
    match literal:
        case OcrText() | TurnText():
            name = _ocr(literal.place) if isinstance(literal, OcrText) else _TURNS[literal.who]
            return f"{name}_words" if literal.form == "words" else name
        case LineCount():
            return _LINES
        case OcrPattern():
            return f"ocr_lines_with_{literal.pattern.replace(' ', '_')}"
        case PictureFact():
            return f"picture_{literal.fact.replace(' ', '_')}"
        case Measure():
            return f"{_EXTREME[literal.bound]}_{literal.name.replace(' ', '_')}"
    raise TypeError(f"no column is known for {literal!r}")


def to_sql(book: RuleBook) -> str:
    """The query: columns `id`, `label` (NULL where the book abstains or is undecided) and `undecided` (0 or 1)."""
    rules = [rule for rule in book.rules if rule.enabled]
    fires = [f"-- {_on_one_line(rule.text)}\n    {_fires(rule)} AS r{number}" for number, rule in enumerate(rules, 1)]
    sums = [f"{_sum(book, rules, label)} AS s{number}" for number, label in enumerate(book.labels, 1)]
    count = _added([f"r{number}" for number in range(1, len(rules) + 1)]) or "0"
    best = [f"WHEN {_is_best(column, len(sums))} THEN {_quoted(name)}" for column, name in enumerate(book.labels, 1)]
    return "\n".join(
        [
            *_header(book, rules),
            "WITH fires AS (",
            f"  SELECT {_listed(['id', *fires])}",
            f"  FROM {TABLE}",
            "), sums AS (",
            f"  SELECT {_listed(['id', f'{count} AS fired', *sums])}",
            "  FROM fires",
            ")",
            "SELECT id,",
            "  CASE",
            "    WHEN fired IS NULL OR fired = 0 THEN NULL",
            *(f"    {one}" for one in best),
            "  END AS label,",
            "  CASE WHEN fired IS NULL THEN 1 ELSE 0 END AS undecided",
            "FROM sums;",
            "",
        ]
    )


def _listed(columns: Sequence[str]) -> str:
    return ",\n    ".join(columns)


def _header(book: RuleBook, rules: Sequence[Rule]) -> list[str]:
    read = {_column(one): one for rule in rules for literal in rule.when.literals for one in _single(literal)}
    texts = sorted(column for column, literal in read.items() if isinstance(literal, OcrText | TurnText))
    others = {column: literal for column, literal in sorted(read.items()) if column not in texts}
    lines = [
        f"-- Rule book of the task {_on_one_line(book.task)}: the label of each row of the table '{TABLE}'.",
        "-- Made by kdsl; kdsl.rules.export_sql.sql_row makes the row of a sample.",
    ]
    if texts:
        lines += [
            "-- Columns of texts in normal form (NFKC, case folded), each text between two line feeds, or empty. In",
            "-- those that end in _words each word, and each character of a script without spaces, stands between two",
            "-- spaces; in the others there are none. The collation must not fold what differs, such as accents.",
            f"--   {', '.join(texts)}",
        ]
    if others:
        lines += [
            "-- Columns that cannot be expressed in SQL over texts; only sql_row fills them:",
            *(f"--   {column}: {_meaning(literal)}" for column, literal in others.items()),
        ]
    return [
        *lines,
        "-- Leave a column NULL if you do not have it: a row on which it decides is 'undecided', without a label.",
    ]


def _meaning(literal: RuleLiteral) -> str:
    match literal:
        case LineCount():
            return "OCR lines that are not empty"
        case OcrPattern():
            return "OCR lines that hold such a form"
        case PictureFact():
            return f"1 if {literal}, else 0"
    return "of all pictures, in percent; -1 (most) or 1000000000 (least) without a picture"


def _single(literal: RuleLiteral) -> Sequence[RuleLiteral]:
    return literal.texts if isinstance(literal, OcrGroup | TurnGroup) else (literal,)


def _on_one_line(text: str) -> str:
    return " ".join(text.split())


def _fires(rule: Rule) -> str:
    """1 or 0 for whether a rule fires; NULL if that depends on a column that is NULL."""
    when = rule.when
    parts = [_said(literal) for literal in when.all]
    if when.any:
        parts.append(f"({' OR '.join(map(_said, when.any))})")
    parts += [f"NOT {_said(literal)}" for literal in when.none]
    holds = " AND ".join(parts)
    return f"CASE WHEN {holds} THEN 1 WHEN NOT ({holds}) THEN 0 END"


def _sum(book: RuleBook, rules: Sequence[Rule], label: str) -> str:
    votes = [f"{rule.weight!r} * r{number}" for number, rule in enumerate(rules, 1) if rule.label == label]
    return _added([repr(float(book.bias.get(label, 0.0))), *votes])


def _added(terms: Sequence[str]) -> str:
    """A sum; one of many terms is a sum of sums, because databases limit how deep an expression may be nested (SQLite
    by 1000), and each + is a level."""
    if len(terms) <= _TERMS:
        return " + ".join(terms)
    return " + ".join(f"({_added(terms[start : start + _TERMS])})" for start in range(0, len(terms), _TERMS))


def _is_best(column: int, n: int) -> str:
    """Whether a label has the largest sum; of equal ones the first label of the book wins, as `CASE` goes in order."""
    return " AND ".join(f"s{column} >= s{other}" for other in range(1, n + 1) if other != column)


def _said(literal: RuleLiteral) -> str:
    """A literal as a condition in brackets."""
    match literal:
        case OcrGroup() | TurnGroup():
            return f"({' OR '.join(map(_said, literal.texts))})"
        case OcrText() | TurnText():
            return _contains(literal)
        case LineCount():
            return f"({_column(literal)} {_SIGN[literal.bound]} {literal.lines})"
        case Measure():
            return f"({_column(literal)} {_SIGN[literal.bound]} {literal.percent})"
        case OcrPattern():
            return f"({_column(literal)} >= {literal.at_least})"
    return f"({_column(literal)} = 1)"


def _contains(literal: OcrText | TurnText) -> str:
    needle = literal.needle
    for sign in "!%_":  # the escape sign first
        needle = needle.replace(sign, f"!{sign}")
    return f"({_column(literal)} LIKE {_quoted(f'%{needle}%')} ESCAPE '!')"


def _quoted(text: str) -> str:
    """A text as a literal of standard SQL."""
    return f"'{text.replace(chr(39), 2 * chr(39))}'"
