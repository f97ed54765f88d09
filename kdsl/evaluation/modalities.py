"""Scores by text alone, by pictures alone, and jointly: what each of the two adds to a bundle's predictions.

Labels of dialogues with pictures are often told by the text alone, and a joint score does not say what pictures add.
Only samples that have both are predicted, three times each: what a picture shows in writing counts to the picture.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from kdsl.data.columns import AS_KNOWN, Columns
from kdsl.data.dialogue import IMAGE
from kdsl.data.folders import picture_root
from kdsl.data.readers import read_rows
from kdsl.data.sample import Sample
from kdsl.ensemble.blocks import BATCH
from kdsl.ensemble.bundle import Bundle
from kdsl.ensemble.predictor import Predictor
from kdsl.errors import InputError
from kdsl.evidence.observe import observe
from kdsl.evidence.types import Evidence
from kdsl.scores import weighted_f1
from kdsl.tasks import Task


@dataclass(frozen=True)
class Modalities:
    """Weighted F1 of one task on its `n` samples with text and pictures."""

    n: int
    joint: float
    text: float
    """With all pictures taken out."""
    pictures: float
    """With every turn's text taken out."""


def by_modality(
    bundle: Bundle, data: Path, images: Path, ocr_file: Path | None = None, columns: Columns = AS_KNOWN
) -> dict[str, Modalities]:
    """Task name -> scores; tasks that have no labelled sample with both, and rows that are none, are left out.

    Args:
        images: the folder that all pictures lie below.
        columns: those of `data` that are called otherwise than in the fit, or than docs/data.md says.

    Raises:
        InputError: the file or a picture cannot be read, or no labelled sample has both.
    """
    columns = bundle.columns_for([data], columns)
    rows = read_rows(data, bundle.tasks, columns=columns)
    samples = [row for row in rows if isinstance(row, Sample) and row.label is not None and row.images]
    both = [sample for sample in samples if any(turn.said for turn in sample.turns)]
    if not both:
        raise InputError(f"{data}: no labelled sample has both text and pictures, to be scored by each alone.")
    evidences = observe(both, picture_root([data], images), bundle.config.evidence, ocr_file)
    predictor = Predictor(bundle)
    try:
        found = {
            task.name: _scores(task, predictor, [e for e in evidences if e.sample.task == task.name])
            for task in bundle.tasks
            if any(sample.task == task.name for sample in both)
        }
    finally:
        predictor.close()
    return found


def text_alone(evidence: Evidence) -> Evidence:
    """A sample without its pictures."""
    return _with_turns(replace(evidence, pictures=()), lambda text: text.replace(IMAGE, "").strip(), images=())


def pictures_alone(evidence: Evidence) -> Evidence:
    """A sample whose turns say nothing; where a picture was sent stays."""
    return _with_turns(evidence, lambda text: IMAGE * text.count(IMAGE), evidence.sample.images)


def _with_turns(evidence: Evidence, change: Callable[[str], str], images: tuple[str, ...]) -> Evidence:
    turns = tuple(replace(turn, text=change(turn.text), raw=change(turn.raw)) for turn in evidence.sample.turns)
    return replace(evidence, sample=replace(evidence.sample, turns=turns, images=images))


def _scores(task: Task, predictor: Predictor, evidences: Sequence[Evidence]) -> Modalities:
    gold = [task.index(evidence.sample.label or "") for evidence in evidences]

    def f1(shown: Sequence[Evidence]) -> float:
        batches = [shown[start : start + BATCH] for start in range(0, len(shown), BATCH)]
        return weighted_f1(gold, [task.index(one.label) for batch in batches for one in predictor.predict(batch)])

    text, pictures = (f1([take(e) for e in evidences]) for take in (text_alone, pictures_alone))
    return Modalities(len(gold), f1(evidences), text, pictures)
