"""`finish`: the end of stage 3: what judge and critic keep becomes snippets; a report says what was lost where."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from kdsl.encoders.registry import text_encoder
from kdsl.errors import BundleError
from kdsl.files import file_hashes, write_jsonl
from kdsl.intentions.critic import Critic, Judged
from kdsl.intentions.folder import SCHEMA, STAGES, Candidate, MiningFolder, PairTitles
from kdsl.intentions.log import RowLog
from kdsl.intentions.report import write_report
from kdsl.intentions.settings import JudgeConfig, MiningConfig
from kdsl.runs import write_manifest

_CHUNK = 512
"""Candidates that the critic looks at together."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A candidate with its pair, what the judge says of it, and the first that drops it: a rule, judge or critic."""

    candidate: Candidate
    pair: PairTitles
    log_odds: float | None
    """Of the judge's yes against no; None where it has not said."""
    dropped: str | None

    @property
    def judged(self) -> Judged:
        """What the critic looks at."""
        one = self.candidate
        return Judged(one.relation, one.tail, (self.pair.title_a, self.pair.title_b), self.log_odds or 0.0)


def finish(folder: MiningFolder, config: MiningConfig, model: str) -> Path:
    """Write what is kept, the report, and last the manifest; returns the report.

    Args:
        model: what the model is called.
    """
    folder.manifest.unlink(missing_ok=True)  # what it vouches for is about to change
    counts: Counter[str | None] = Counter()

    def kept() -> Iterator[dict[str, str]]:
        for outcome in outcomes(folder, config.judge):
            counts[outcome.dropped] += 1
            if outcome.dropped is None:
                yield _snippet(outcome, config.language)

    write_jsonl(folder.documents, kept())
    report = write_report(folder, counts, config.prices, model)
    growing = [folder.path / f"{stage}.jsonl" for stage in STAGES]
    hashes = file_hashes(folder.path, [folder.manifest, *growing])
    settings = config.model_dump(mode="json")
    write_manifest(folder.manifest, SCHEMA, {"model": model, "settings": settings, "files": hashes})
    return report


def outcomes(folder: MiningFolder, config: JudgeConfig) -> Iterator[Outcome]:
    """What becomes of each candidate, in their order.

    Raises:
        BundleError: the critic was fitted on another encoder.
    """
    critic = Critic.load(folder.path) if folder.has_critic else None
    encoder = text_encoder(config.encoder) if critic else None
    with folder.log("verdicts") as verdicts:
        found = _judged(folder, verdicts, config.min_probability)
        while chunk := list(islice(found, _CHUNK)):
            passed = [i for i, outcome in enumerate(chunk) if outcome.dropped is None]
            if critic and encoder:
                good = critic.probabilities([chunk[i].judged for i in passed], encoder) >= critic.threshold
                for i in (i for i, is_good in zip(passed, good, strict=True) if not is_good):
                    chunk[i] = Outcome(chunk[i].candidate, chunk[i].pair, chunk[i].log_odds, "critic")
            yield from chunk


def _judged(folder: MiningFolder, verdicts: RowLog, least: float) -> Iterator[Outcome]:
    """What rules and judge make of each candidate."""
    titles = folder.pairs()
    pair = next(titles, None)
    for one in folder.candidates():
        while pair is not None and pair.key != (one.a, one.b):
            pair = next(titles, None)
        if pair is None:
            raise BundleError(f"{folder.path}: pairs and candidates are of different runs; run the same command again.")
        row = verdicts.get(one.key) if one.dropped is None else None
        log_odds, dropped = None, one.dropped
        if dropped is None and (row is None or "failed" in row):
            dropped = "no verdict"
        elif row is not None:
            yes, no = row["log_probs"]
            log_odds = yes - no
            dropped = "judge" if 1 / (1 + np.exp(-log_odds)) < least else None
        yield Outcome(one, pair, log_odds, dropped)


def _snippet(outcome: Outcome, language: str) -> dict[str, str]:
    """An intention as a row that `kdsl.knowledge` reads; its id names the products that it was mined from."""
    one, pair = outcome.candidate, outcome.pair
    return {
        "id": f"intention/{one.a}/{one.b}/{one.relation}",
        "kind": "intention",
        "title": one.text,
        "text": f"{pair.title_a}\n{pair.title_b}",
        "language": language,
    }
