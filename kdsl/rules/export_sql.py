"""A rule book as SQL: a query that gives each row of a table of texts the label that the book gives it.

The table has texts in normal form, as `sql_row` makes them of a sample. Literals about pictures and forms cannot be
said about them. They are NULL in the query, so that SQL's logic of three values tells the rows on which they matter
from those on which they do not: only on the former the query leaves the label open.
"""

from __future__ import annotations

from collections.abc import Sequence

from kdsl.evidence.types import Evidence
from kdsl.rules.book import RuleBook
from kdsl.rules.literals import LineCount, OcrGroup, OcrText, RuleLiteral, TurnGroup, TurnText
from kdsl.rules.normalised import (
    PLACES,
    WHO,
    NormalisedEvidence,
    Place,
    Searched,
    Who,
    spaced_units,
    without_spaces,
)
from kdsl.rules.rule import Rule

TABLE = "samples"
"""The table that the query reads; besides the columns of texts it has `id`."""
_TURNS: dict[Who, str] = {
    "last user": "last_user_turn",
    "first user": "first_user_turn",
    "user": "user_turns",
    "agent": "agent_turns",
}
_LINES = "ocr_line_count"


def sql_row(evidence: Evidence) -> dict[str, str | int]:
    """The columns of a sample that the queries read, by name."""
    seen = NormalisedEvidence.of(evidence)
    row: dict[str, str | int] = {"id": evidence.sample.id, _LINES: len(seen.lines)}
    for place in (None, *PLACES):
        row |= _both(_ocr(place), seen.ocr[place])
    for who in WHO:
        row |= _both(_TURNS[who], seen.spoken[who])
    return row


def _both(name: str, searched: Searched) -> dict[str, str | int]:
    return {name: searched.characters, f"{name}_words": searched.words}


def _ocr(place: Place | None) -> str:
    return f"ocr_lines_{place}" if place else "ocr_lines"


def to_sql(book: RuleBook) -> str:
    """The query: columns `id`, `label` (NULL where the book abstains or is undecided) and `undecided` (0 or 1)."""
    rules = [rule for rule in book.rules if rule.enabled]
    fires = [f"-- {_comment(rule.text)}\n    {_fires(rule)} AS r{number}" for number, rule in enumerate(rules, 1)]
    sums = [f"{_sum(book, rules, label)} AS s{number}" for number, label in enumerate(book.labels, 1)]
    count = " + ".join(f"r{number}" for number in range(1, len(rules) + 1)) or "0"
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
    literals = dict.fromkeys(literal for rule in rules for literal in rule.when.literals)
    unsaid = [str(literal) for literal in literals if _said(literal) is None]
    used = sorted({column for literal in literals for column in _columns(literal)})
    lines = [
        f"-- Rule book of the task {_comment(book.task)}: the label of each row of the table '{TABLE}'.",
        "-- Made by kdsl. Columns that it reads, as kdsl.rules.export_sql.sql_row makes them of a sample:",
        *(f"--   {column}: {_meaning(column)}" for column in ("id", *used)),
        "-- The collation has to tell apart what differs (no folding of accents).",
    ]
    if unsaid:
        lines += [
            "-- These literals cannot be said in SQL over such a table and stand as NULL; where they decide whether a",
            "-- rule fires, the row is 'undecided' and has no label:",
            *(f"--   {_comment(line)}" for line in unsaid),
        ]
    return lines


def _meaning(column: str) -> str:
    if column == "id":
        return "of the sample"
    if column == _LINES:
        return "number of OCR lines that are not empty"
    words = "its words and characters each between two spaces" if column.endswith("_words") else "without spaces"
    return f"the texts in normal form (NFKC, case folded), each {words}, between two line feeds; or empty"


def _comment(text: str) -> str:
    """A text on one line."""
    return " ".join(text.split())


def _fires(rule: Rule) -> str:
    """1 or 0 for whether a rule fires; NULL if that depends on what cannot be said."""
    when = rule.when
    parts = [_said(literal) or "NULL" for literal in when.all]
    if when.any:
        parts.append(f"({' OR '.join(_said(literal) or 'NULL' for literal in when.any)})")
    parts += [f"NOT {_said(literal) or 'NULL'}" for literal in when.none]
    holds = " AND ".join(parts)
    return f"CASE WHEN {holds} THEN 1 WHEN NOT ({holds}) THEN 0 END"


def _sum(book: RuleBook, rules: Sequence[Rule], label: str) -> str:
    votes = [f"{rule.weight!r} * r{number}" for number, rule in enumerate(rules, 1) if rule.label == label]
    return " + ".join([repr(float(book.bias.get(label, 0.0))), *votes])


def _is_best(column: int, n: int) -> str:
    """Whether a label has the largest sum; of equal ones the first label of the book wins, as `CASE` goes in order."""
    return " AND ".join(f"s{column} >= s{other}" for other in range(1, n + 1) if other != column)


def _columns(literal: RuleLiteral) -> list[str]:
    if isinstance(literal, OcrGroup | TurnGroup):
        return [column for text in literal.texts for column in _columns(text)]
    if isinstance(literal, LineCount):
        return [_LINES]
    if not isinstance(literal, OcrText | TurnText):
        return []
    name = _ocr(literal.place) if isinstance(literal, OcrText) else _TURNS[literal.who]
    return [f"{name}_words" if literal.how == "contains the word" else name]


def _said(literal: RuleLiteral) -> str | None:
    """A literal as a condition in brackets; None if it cannot be said."""
    if isinstance(literal, OcrGroup | TurnGroup):
        return f"({' OR '.join(str(_said(text)) for text in literal.texts)})"
    if isinstance(literal, LineCount):
        return f"({_LINES} {'>=' if literal.bound == 'at least' else '<='} {literal.lines})"
    if isinstance(literal, OcrText | TurnText):
        return _contains(_columns(literal)[0], literal)
    return None


def _contains(column: str, literal: OcrText | TurnText) -> str:
    needle = spaced_units(literal.text) if literal.how == "contains the word" else without_spaces(literal.text)
    if literal.how == "reads":
        needle = f"\n{needle}\n"
    for sign in "!%_":  # the escape sign first
        needle = needle.replace(sign, f"!{sign}")
    return f"({column} LIKE {_quoted(f'%{needle}%')} ESCAPE '!')"


def _quoted(text: str) -> str:
    """A text as a literal of standard SQL."""
    return f"'{text.replace(chr(39), 2 * chr(39))}'"
