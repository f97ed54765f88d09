"""Figures in README and docs/results.md are those of docs/claims.json, whose commands name what there is."""

from __future__ import annotations

import re
import runpy
import shlex
from pathlib import Path
from typing import Any

import pytest
from helpers.shown_commands import parse

ROOT = Path(__file__).resolve().parents[1]
SCRIPT = runpy.run_path(str(ROOT / "scripts" / "claims.py"))
CLAIMS = SCRIPT["read"]()
PAGES: list[Path] = SCRIPT["PAGES"]

FIGURE = re.compile(r"(?<![\w.])(?:\d+\.\d+ ± \d+\.\d+|\d+\.\d+(?!\.?\d)%?|\d+%)")
NOT_TEXT = re.compile(r"<!--.*?-->|^```.*?^```|`[^`\n]*`|\]\([^)]*\)", re.DOTALL | re.MULTILINE)
NOT_MEASURED = {
    "3.11", "3.12", "3.13",  # versions of Python
    "0.788",  # published by the challenge, of its own baseline
    "0.5",  # epochs
    "1.5",  # a goal
}  # fmt: skip


def figures(text: str) -> set[str]:
    """Decimal numbers, with their spread if they have one, and percentages; no versions (0.9.5) or names (Qwen2.5)."""
    return set(FIGURE.findall(" ".join(text.split())))


def running_text(page: str) -> str:
    """A page without its claims, code, comments and addresses."""
    return NOT_TEXT.sub(" ", SCRIPT["BLOCK"].sub(" ", page))


def claimed() -> set[str]:
    """Every figure that some claim has, with and without its spread."""
    return {
        quotable
        for claim in CLAIMS.values()
        for text in (claim.what, *claim.columns, *(cell for row in claim.rows for cell in row), *claim.quoted.values())
        for figure in figures(text)
        for quotable in (figure, figure.partition(" ± ")[0])
    }


@pytest.mark.parametrize("file", PAGES, ids=lambda file: file.name)
def test_the_tables_are_current(file: Path) -> None:
    text = file.read_text("utf-8")
    assert text == SCRIPT["page"](text, CLAIMS, file == SCRIPT["RESULTS"]), "run: python scripts/claims.py"


@pytest.mark.parametrize("file", PAGES, ids=lambda file: file.name)
def test_sentences_quote_figures_that_are_claimed(file: Path) -> None:
    quoted = figures(running_text(file.read_text("utf-8")))
    assert not quoted - claimed() - NOT_MEASURED, "add them to docs/claims.json, or mend the sentence"


def test_every_claim_is_shown_and_every_quoted_figure_is_quoted() -> None:
    results = SCRIPT["RESULTS"].read_text("utf-8")
    assert [match[1] for match in SCRIPT["BLOCK"].finditer(results)] == list(CLAIMS)  # the same order, each once
    said = figures("\n".join(running_text(file.read_text("utf-8")) for file in PAGES))
    quoted = {f"{claim.id}: {what}": text for claim in CLAIMS.values() for what, text in claim.quoted.items()}
    unsaid = [what for what, text in quoted.items() if figures(text) - said]
    assert not unsaid


def options(script: Path) -> set[str]:
    """The options that a benchmark declares."""
    return set(re.findall(r'(?:add_argument|option)\(\s*"(--[a-z-]+)"', script.read_text("utf-8"))) | {"--help"}


@pytest.mark.parametrize("claim", CLAIMS.values(), ids=CLAIMS)
def test_commands_name_what_there_is(claim: Any) -> None:
    for command in claim.commands:
        program, *words = shlex.split(command)
        if program == "python":
            script, *words = words
            assert {word for word in words if word.startswith("--")} <= options(ROOT / script), command
        else:
            assert program == "kdsl", command
            parse(words)
        shipped = [word for word in words if word.startswith(("configs/", "benchmarks/", "rules/"))]
        assert not [word for word in shipped if not (ROOT / word).exists()], command


def test_a_figure_that_no_claim_has_is_found() -> None:
    block = "<!-- claim:x -->\n0.5\n<!-- /claim -->"
    text = f"F1 of 0.999 (97.3%, 12%, 0.868 ± 0.012) by Qwen2.5 and trl 1.16.0, `lr=0.01` in 20 folds\n{block}"
    assert figures(running_text(text)) == {"0.999", "97.3%", "12%", "0.868 ± 0.012"}
    assert "0.868 ± 0.012" not in claimed()
    assert {"0.868", "0.868 ± 0.011"} <= claimed()


def test_cells_show_other_claims_figures() -> None:
    assert CLAIMS["unread"].cell("kdsl, out of fold", "mean") == CLAIMS["whole"].cell("fused", "mean")
    with pytest.raises(ValueError, match="0 rows begin with 'refused'"):
        CLAIMS["whole"].cell("refused", "mean")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("<!-- claim:none -->\n<!-- /claim -->", "no claim 'none'"),
        ("<!-- claim:whole -->\n", "1 blocks begin and 0 end"),
    ],
)
def test_blocks_that_cannot_be_written_are_faults(text: str, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        SCRIPT["page"](text, CLAIMS, in_full=False)
