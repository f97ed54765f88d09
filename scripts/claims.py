"""Write the tables of README and docs/results.md from docs/claims.json; tests/test_claims.py holds that they are so.

A claim is one table of measured figures with its commands, commit, date and machine. A page shows it between
`<!-- claim:ID -->` and `<!-- /claim -->`. Each figure stands once: `{CLAIM/ROW/COLUMN}` in a cell shows another claim's
figure, and figures that only sentences quote are in `quoted`.

Run: python scripts/claims.py
"""

from __future__ import annotations

import json
import re
import textwrap
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, model_validator

ROOT = Path(__file__).resolve().parent.parent
CLAIMS = ROOT / "docs" / "claims.json"
RESULTS = ROOT / "docs" / "results.md"
PAGES = [page for page in (ROOT / "README.md", ROOT / "README_zh.md", RESULTS) if page.exists()]
BLOCK = re.compile(r"<!-- claim:([a-z0-9-]+) -->\n(?:(?!<!-- claim:).)*?<!-- /claim -->", re.DOTALL)
REFERENCE = re.compile(r"\{([^{}/]+)/([^{}/]+)/([^{}/]+)\}")

Text = Annotated[str, Field(min_length=1)]


class Claim(BaseModel):
    """One table of measured figures.

    Args:
        what: The measure, on what data, over how many runs; one paragraph of Markdown.
        commands: What to run, each from the repository's root.
        commit: The code that was measured; "or before": the figures were entered there, and the code may be older.
        columns: The header; the first column holds the rows' names.
        rows: Cells in Markdown, as many per row as there are columns.
        quoted: Figures of the same runs that stand in sentences, by what they say.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: Text
    what: Text
    commands: Annotated[list[Text], Field(min_length=1)]
    commit: Annotated[str, Field(pattern=r"^[0-9a-f]{7}( or before)?$")]
    date: Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\d$")]
    machine: Text
    columns: list[str]
    rows: list[list[str]]
    quoted: dict[str, Text] = {}

    @model_validator(mode="after")
    def _rectangular(self) -> Claim:
        for row in self.rows:
            if len(row) != len(self.columns):
                count = f"{len(row)} cells for {len(self.columns)} columns"
                raise ValueError(f"claim {self.id}: row {row[0]!r} has {count}")
        return self

    def cell(self, row: str, column: str) -> str:
        """The figure of the one row that begins so, without emphasis.

        Raises:
            ValueError: no such column, or not exactly one such row.
        """
        found = [cells for cells in self.rows if cells[0].strip("*`").startswith(row)]
        if len(found) != 1 or column not in self.columns:
            raise ValueError(f"claim {self.id}: {len(found)} rows begin with {row!r}; columns are {self.columns}")
        return found[0][self.columns.index(column)].strip("*")


def read(path: Path = CLAIMS) -> dict[str, Claim]:
    """The claims by id, references to other claims' cells resolved."""
    listed = TypeAdapter(list[Claim]).validate_python(json.loads(path.read_text("utf-8")))
    claims = {claim.id: claim for claim in listed}
    if len(claims) < len(listed):
        raise ValueError(f"{path.name}: an id is used twice")

    def resolved(cell: str) -> str:
        return REFERENCE.sub(lambda match: claims[match[1]].cell(match[2], match[3]), cell)

    return {
        name: claim.model_copy(update={"rows": [[resolved(cell) for cell in row] for row in claim.rows]})
        for name, claim in claims.items()
    }


def table(claim: Claim) -> str:
    """The figures as a table of Markdown."""
    lines = (claim.columns, *claim.rows)
    header, *rows = ("|" + "|".join(f" {cell} " if cell else " " for cell in line) + "|" for line in lines)
    return "\n".join([header, "|" + "---|" * len(claim.columns), *rows])


def source(claim: Claim) -> str:
    """Where the figures come from: commands, commit, date and machine."""
    commands = "\n".join(claim.commands)
    return f"```\n{commands}\n```\n\nCommit {claim.commit}, {claim.date}; {claim.machine}."


def page(text: str, claims: dict[str, Claim], in_full: bool) -> str:
    """A page with its blocks written anew, in full with what was measured and how.

    Raises:
        ValueError: a block names no claim, or is not closed.
    """

    def block(match: re.Match[str]) -> str:
        name = match[1]
        if name not in claims:
            raise ValueError(f"no claim {name!r} in {CLAIMS.name}; there are {', '.join(claims)}")
        claim = claims[name]
        parts = [textwrap.fill(claim.what, 120), table(claim), source(claim)] if in_full else [table(claim)]
        return f"<!-- claim:{name} -->\n" + "\n\n".join(parts) + "\n<!-- /claim -->"

    written, count = BLOCK.subn(block, text)
    if count != text.count("<!-- claim:"):
        raise ValueError(f"{text.count('<!-- claim:')} blocks begin and {count} end with <!-- /claim -->")
    return written


if __name__ == "__main__":
    known = read()
    for file in PAGES:
        file.write_text(page(file.read_text("utf-8"), known, in_full=file == RESULTS), "utf-8")
