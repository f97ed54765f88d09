"""Predicts samples block by block: what every engine does, in one process or in many, with blocks of a file.

An engine takes blocks of samples and gives one `Answer` per sample, in the order of the samples.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from kdsl.data.prediction import Failure
from kdsl.data.resume import content_digest
from kdsl.data.sample import Sample
from kdsl.encoders.cache import nothing_kept
from kdsl.ensemble.bundle import Bundle
from kdsl.ensemble.predictor import Predictor
from kdsl.errors import KdslError
from kdsl.evidence.observe import observe
from kdsl.evidence.precomputed import open_precomputed
from kdsl.evidence.types import Evidence
from kdsl.runs import digest

log = logging.getLogger(__name__)

BATCH = 8
"""Samples that a model is asked about together."""
BLOCK = 256
"""Samples that are read together, and handed over together; a bundle without a model also predicts them together."""
KEPT = 8
"""Blocks of a run whose vectors stay in the cache of the encoders; a million texts would fill the disk with them."""


class Answer(NamedTuple):
    """A prediction as a JSON line, or why there is none."""

    text: str
    failed: bool = False


Blocks = Iterator[list[Sample]]


@dataclass(frozen=True)
class Job:
    """What to predict with: the bundle, the folder of the pictures, OCR results that exist already."""

    bundle: Bundle
    images: Path
    ocr_file: Path | None

    def content_of(self, sample: Sample) -> str:
        """A digest of what the prediction of a sample is made of, besides the bundle as it was fitted.

        That is `content_digest`, and where they are there, OCR results of its pictures and edited rules.

        Raises:
            InputError: the file of OCR results cannot be read.
        """
        content = content_digest(sample, self.images)
        given = open_precomputed(self.ocr_file) if self.ocr_file and sample.images else None
        told = [given.digest(name) for name in sample.images] if given else []
        return digest(content, self._edited, told) if self._edited or any(told) else content

    @cached_property
    def _edited(self) -> str:
        return self.bundle.version if self.bundle.edited else ""


Engine = Callable[[Job, Blocks], Iterator[Answer]]
"""One answer per sample, in their order; it takes no more blocks ahead than it needs."""


def in_this_process(open_predictor: Callable[[], Predictor]) -> Engine:
    """An engine with one set of models in this process, loaded on first use."""

    def run(job: Job, blocks: Blocks) -> Iterator[Answer]:
        predictor: Predictor | None = None
        for number, block in enumerate(blocks):
            predictor = predictor or open_predictor()
            yield from answers(predictor, job, block, keep=number < KEPT)

    return run


def answers(
    predictor: Predictor,
    job: Job,
    block: Sequence[Sample],
    *,
    keep: bool,
    cache: Path | None = None,
    workers: int | None = None,
) -> Iterator[Answer]:
    """One answer per sample, in their order.

    Args:
        keep: whether what encoders make of texts and pictures stays in their cache.
        cache, workers: as `observe` takes them.
    """
    evidences, faults = observe(
        block, job.images, job.bundle.config.evidence, job.ocr_file, cache, on_error="collect", workers=workers
    )
    unread, read = dict(faults), {evidence.sample.id: evidence for evidence in evidences}
    size = BATCH if job.bundle.manifest["base"] else BLOCK
    for start in range(0, len(block), size):
        part = block[start : start + size]
        with nullcontext() if keep else nothing_kept():
            lines = list(predict_rows(predictor, [read[one.id] for one in part if one.id in read], size))
        said = {line["id"]: line for line in lines}
        for sample in part:
            line = said.get(sample.id) or {"error": unread[sample.id]}
            if "error" in line:
                yield Answer(line["error"], failed=True)
            else:
                line["content"] = job.content_of(sample)
                yield Answer(json.dumps(line, ensure_ascii=False))


def predict_rows(predictor: Predictor, evidences: Sequence[Evidence], size: int = BATCH) -> Iterator[dict[str, Any]]:
    """Predictions as plain values, `size` at a time; a sample that fails becomes one with `id`, `task` and `error`."""
    for start in range(0, len(evidences), size):
        yield from _predicted(predictor, evidences[start : start + size])


def _predicted(predictor: Predictor, batch: Sequence[Evidence]) -> list[dict[str, Any]]:
    try:
        return [prediction.to_json() for prediction in predictor.predict(batch)]
    except Exception:  # any error must cost only the sample that causes it: find it by halves
        half = len(batch) // 2
        if half:
            return _predicted(predictor, batch[:half]) + _predicted(predictor, batch[half:])
        return [_predict_one(predictor, evidence) for evidence in batch]


def _predict_one(predictor: Predictor, evidence: Evidence) -> dict[str, Any]:
    try:
        return predictor.predict([evidence])[0].to_json()
    except KdslError as error:
        message = str(error)
    except Exception as error:  # raised by a library because of this sample; the others are not affected
        log.exception("sample %s", evidence.sample.id)
        message = f"{type(error).__name__}: {error}"
    return Failure(id=evidence.sample.id, task=evidence.sample.task, error=message).to_json()
