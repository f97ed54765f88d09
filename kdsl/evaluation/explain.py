"""One prediction in words: what was called, who voted for what with which weight, which rules and snippets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

RULES = 5
"""Rules shown, the weightiest first."""


def explain(line: Mapping[str, Any], gold: str | None = None) -> Group:
    """A prediction line as something rich can print."""
    verdict = f"{line['label']}  ({line['probability']:.2f})"
    verdict += "  -> below the threshold: ask a person" if line["abstained"] else ""
    head = Text.assemble(("Sample ", "dim"), line["id"], ("  task ", "dim"), line["task"], ("  predicted ", "dim"))
    head.append(verdict, "bold")
    if gold is not None:
        head.append(f"  gold {gold}", "green" if gold == line["label"] else "red")
    trace, spend = line["trace"], line["spend"]
    votes = Table("expert", "weight", "says", box=None)
    for name, vote in trace["experts"].items():
        says = ", ".join(f"{label} {p:.2f}" for label, p in vote["top"]) or "(abstains)"
        votes.add_row(name, f"{vote['weight']:.2f}", says)
    parts: list[Any] = [head, votes]
    for rule in sorted(trace["rules"], key=lambda rule: -rule["weight"])[:RULES]:
        parts.append(Text(f"rule {rule['id']} (weight {rule['weight']:.2f}): {rule['text']}"))
    for snippet in trace["snippets"]:
        found = f"snippet {snippet['id']} ({snippet['score']:.2f})"
        parts.append(Text(f"{found}: {snippet['title']} -> {snippet['label']}"))
    calls = ", ".join(f"{call['role']} ({call['output_tokens']} tokens)" for call in trace["calls"])
    parts.append(
        Text(
            f"spent: {spend['calls']} call(s): {calls}; {spend['output_tokens']} output tokens; "
            f"{spend['parameters'] / 1e6:.1f} M parameters"
        )
    )
    return Group(*parts)
