"""`run_benchmark`: IntentionQA from a published file to a report, by any number of encoders and language models."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from pathlib import Path

from kdsl.encoders.base import TextEncoder
from kdsl.errors import ConfigError
from kdsl.evaluation.intentionqa.answers import answer
from kdsl.evaluation.intentionqa.items import Item, Items, read_items
from kdsl.evaluation.intentionqa.known import KnownIntentions
from kdsl.evaluation.intentionqa.report import Report, make_report
from kdsl.evaluation.intentionqa.scorers import Ask, EncoderScorer, LetterScorer, OverlapScorer, Scorer, WordingScorer
from kdsl.files import atomic_write, file_hash, write_json
from kdsl.intentions.backends.base import Backend
from kdsl.knowledge.base import KnowledgeBase
from kdsl.runs import sole_writer, write_manifest

SCHEMA = 1
CHOSEN_ON, CHOSEN_SEED = 500, 17
"""Items of task 1, drawn by a seed, on which the encoders' temperature and the prompts' wording were chosen."""


def run_benchmark(
    task: int,
    data: Path,
    out: Path,
    *,
    encoders: Sequence[TextEncoder] = (),
    backends: Sequence[Backend] = (),
    ask: Ask = "wording",
    knowledge: KnowledgeBase | None = None,
    limit: int | None = None,
    seed: int = 17,
) -> Report:
    """Answer the items of a file and write `report.md`, `report.json` and `manifest.json`.

    Answers lie in a folder per scorer. A run that was killed goes on with the items that have no answer yet.

    Args:
        task: 1 or 2.
        ask: what language models are asked: 'letter', the official prompt, or 'wording', how an option's own words go
            on.
        knowledge: mined intentions: language models answer without them, and with the nearest before the question.
        limit: so many items, drawn by `seed`, in place of all.

    Raises:
        InputError: the file cannot be read, the folder not be written to, or `knowledge` holds no intention.
        ConfigError: two models have the same name.
        BundleError: the folder holds answers of other inputs.
        BackendError: a language model cannot be asked at all.
    """
    read = read_items(data, task)
    items = drawn(read.items, limit, seed)
    known = KnownIntentions(knowledge, read.items) if knowledge else None
    scorers: list[Scorer] = [OverlapScorer()]
    scorers += [EncoderScorer(encoder, read.items) for encoder in encoders]
    for backend in backends:
        for held in (None, known) if known else (None,):
            letter = ask == "letter"
            scorers.append(LetterScorer(backend, held) if letter else WordingScorer(backend, held))
    folders = [out / re.sub(r"[^\w.-]+", "-", scorer.name).strip("-") for scorer in scorers]
    if len(set(folders)) < len(folders):
        raise ConfigError(f"two of these have the same name: {', '.join(scorer.name for scorer in scorers)}.")
    inputs = {"task": task, "data": file_hash(data)}
    with sole_writer(out):
        answers = [answer(scorer, items, folder, inputs) for scorer, folder in zip(scorers, folders, strict=True)]
        report = make_report(task, read, items, answers, chosen_on(read))
        atomic_write(out / "report.md", report.markdown())
        write_json(out / "report.json", report.to_json())
        models = {scorer.name: scorer.version for scorer in scorers}
        write_manifest(out / "manifest.json", SCHEMA, {**inputs, "models": models, "limit": limit, "seed": seed})
    return report


def drawn(items: Sequence[Item], n: int | None, seed: int) -> tuple[Item, ...]:
    """`n` of the items, drawn by a seed, in their order; all of them if n is None or no smaller number."""
    if n is None or n >= len(items):
        return tuple(items)
    places = list(range(len(items)))
    random.Random(seed).shuffle(places)
    return tuple(items[place] for place in sorted(places[:n]))


def chosen_on(read: Items) -> frozenset[str]:
    """Ids of the items of the published file of task 1 that choices were made on; none of another, smaller file."""
    if len(read.items) <= 2 * CHOSEN_ON or read.items[0].task != 1:
        return frozenset()
    return frozenset(item.id for item in drawn(read.items, CHOSEN_ON, CHOSEN_SEED))
