"""The report of a run of mining: what each stage kept, what it cost, how precise the result is; Markdown and JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kdsl.files import atomic_write, write_json
from kdsl.intentions.folder import STAGES, MiningFolder
from kdsl.intentions.settings import PricesConfig

_LATE = ("no verdict", "judge", "critic")
"""What drops a candidate after the rules, in order."""


def write_report(folder: MiningFolder, counts: Mapping[str | None, int], prices: PricesConfig, model: str) -> Path:
    """Write report.json and report.md; returns the latter.

    Args:
        counts: what dropped a candidate (a rule, 'judge', ...; None if it was kept) -> number of candidates.
    """
    ledger = {stage: tokens(folder.path / f"{stage}.jsonl") for stage in STAGES}
    cost = sum(s["read"] * prices.read + s["written"] * prices.written for s in ledger.values()) / 1e6
    precision = json.loads(folder.precision.read_text("utf-8")) if folder.precision.is_file() else None
    body = {
        "model": model,
        "retention": retention(counts),
        "tokens": ledger,
        "cost": round(cost, 6),
        "precision": precision,
    }
    write_json(folder.path / "report.json", body)
    path = folder.path / "report.md"
    atomic_write(path, "\n".join(_markdown(body)))
    return path


def retention(counts: Mapping[str | None, int]) -> list[dict[str, Any]]:
    """One row per filter in the order in which they work: what it dropped, and how many are left."""
    early = sorted((name for name in counts if name is not None and name not in ("no answer", *_LATE)), key=str)
    left = total = sum(counts.values())
    rows = []
    for name in ("no answer", *early, *_LATE):
        dropped = counts.get(name, 0)
        left -= dropped
        if dropped or name in ("no answer", "judge", "critic"):
            rows.append({"filter": name, "dropped": dropped, "left": left, "share": round(left / max(total, 1), 4)})
    return rows


def tokens(path: Path) -> dict[str, int]:
    """What a stage's log says that was spent: answers that were replaced later, too. Retries of a request that was cut
    off are not known."""
    spent = {"answers": 0, "failures": 0, "read": 0, "written": 0}
    with path.open("rb") as file:
        for line in file:
            row = json.loads(line)
            spent["failures" if "failed" in row else "answers"] += 1
            spent["read"] += row.get("read", 0)
            spent["written"] += row.get("written", 0)
    return spent


def _markdown(body: Mapping[str, Any]) -> list[str]:
    kept = body["retention"]
    lines = [f"# Intentions mined by {body['model']}", ""]
    lines += ["| dropped by | dropped | left | share of all asked |", "|---|---|---|---|"]
    lines += [f"| {row['filter']} | {row['dropped']} | {row['left']} | {row['share']:.1%} |" for row in kept]
    lines += ["", "| stage | answers | failures | tokens read | tokens written |", "|---|---|---|---|---|"]
    lines += [
        f"| {stage} | {spent['answers']} | {spent['failures']} | {spent['read']} | {spent['written']} |"
        for stage, spent in body["tokens"].items()
    ]
    lines += ["", f"Cost at the prices given: {body['cost']:g}.", ""]
    found = body["precision"]
    if found is None:
        return [*lines, "No verdicts yet: how many of these are sound is unknown (`kdsl knowledge verdicts`).", ""]
    unseen = found["unseen"]
    return [
        *lines,
        f"The critic was fitted on {found['seen']} verdicts, its threshold chosen for a precision of "
        f"{found['asked']:g}. Of {unseen['verdicts']} verdicts on pairs that it has not seen:",
        "",
        "| | kept | sound | precision (95% interval) | recall |",
        "|---|---|---|---|---|",
        *(
            f"| {name} | {row['kept']} | {row['sound']} | {row['precision']:.3f} "
            f"({row['low']:.3f} to {row['high']:.3f}) | {row['recall']:.3f} |"
            for name, row in unseen["filters"].items()
        ),
        "",
    ]
