"""Folds an adapter (LoRA or delta) into its base: writes a plain Hugging Face model folder and verifies its scores.

config.json, *.safetensors        as transformers writes them
tokenizer, processor, template    copies of the base's files
README.md                         the model card
label_shift.json                  if the adapter has one: values to subtract from the labels' log-probabilities
manifest.json                     base, adapter and its hash, task, largest change of a score
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from PIL import Image

from kdsl.config import ModelConfig, PromptConfig
from kdsl.data.sample import Sample, Turn
from kdsl.errors import BundleError
from kdsl.evidence.facts import picture_facts
from kdsl.evidence.pixels import measure
from kdsl.evidence.types import Evidence, Picture
from kdsl.export.card import public_name
from kdsl.files import file_hash, written_whole
from kdsl.models.adapters import SHIFT, load_adapter, touches_vision, weights_file
from kdsl.models.base import load_base
from kdsl.models.scorer import LabelScorer
from kdsl.models.weights import find_weights, fingerprint_of
from kdsl.runs import check_claim, read_manifest, write_manifest
from kdsl.tasks import Task

TOLERANCE = {"float32": 1e-3, "float16": 0.1, "bfloat16": 0.5}
"""Largest allowed change of a label's log-probability by folding, which rounds to the precision of the weights."""

SCHEMA = 2
_MANIFEST = "manifest.json"
_ADAPTER = "folded"
_BASE_FILES = ("*.json", "*.txt", "*.jinja")
_NOT_COPIED = ("config.json", "generation_config.json", _MANIFEST, "model.safetensors.index.json")
_ADVICE = "Give another folder for the export, or delete this one."


@dataclass(frozen=True)
class Folded:
    """A finished export: the largest change of a log-probability, the number of prompts, and what was adapted."""

    folder: Path
    moved: float
    prompts: int
    touches_vision: bool


def fold_adapter(
    adapter: Path,
    base: ModelConfig,
    task: Task,
    prompt: PromptConfig,
    out: Path,
    evidences: Sequence[Evidence] = (),
    card: str = "",
) -> Folded:
    """Fold an adapter into a copy of its base, save it, load it again and compare label scores.

    A 4-bit base (QLoRA) is saved dequantised to `base.dtype`. A finished export of the same adapter is not repeated;
    `out` is written atomically.

    Args:
        evidences: samples of the task on which scores are compared; built-in ones if empty.
        card: the text of README.md.

    Raises:
        BundleError: the adapter does not fit the base, `out` has other content, or scores changed too much.
    """
    inputs = {
        "adapter_sha256": file_hash(weights_file(adapter)),
        "label_shift_sha256": file_hash(adapter / SHIFT) if (adapter / SHIFT).is_file() else None,
        "base": public_name(base.source),
        "base_fingerprint": fingerprint_of(find_weights(base)),
        "dtype": base.dtype,
        "task": task.name,
    }
    if (done := _finished(out, inputs, touches_vision(adapter))) is not None:
        return done
    with TemporaryDirectory() as scratch, written_whole(out) as partial:
        probes = list(evidences) or built_in_probes(task, Path(scratch))
        before = _fold(adapter, base, task, prompt, partial, probes)
        whole = base.model_copy(update={"source": str(partial), "quantize": "none"})
        after = LabelScorer(load_base(whole), task, prompt).score(probes)
        moved = float(np.abs(after - before).max())
        if not moved <= TOLERANCE[base.dtype]:  # NaN too
            raise BundleError(
                f"the folded model scores labels otherwise than the adapter on its base: a log-probability moved by "
                f"{moved:.3g}, {TOLERANCE[base.dtype]:g} is allowed in {base.dtype}. Nothing was written to {out}. "
                "Fold in float32 (large.dtype=float32), or serve base and adapter apart."
            )
        (partial / "README.md").write_text(card, "utf-8")
        verified = {"prompts": len(probes), "log_probability_moved": moved}
        body = {**inputs, "labels": list(task.names), "verified": verified}
        write_manifest(partial / _MANIFEST, SCHEMA, body)
    return Folded(out, moved, len(probes), touches_vision(adapter))


def built_in_probes(task: Task, folder: Path) -> list[Evidence]:
    """Four artificial samples of a task, two of them with a picture that is written to `folder`.

    The descriptions of the task's labels are used as the shopper's text.
    """
    path = folder / "probe.png"
    grey = Image.linear_gradient("L").resize((112, 168))
    image = Image.merge("RGB", (grey, grey.rotate(180), grey.transpose(Image.Transpose.FLIP_LEFT_RIGHT)))
    image.save(path)
    picture = Picture(path.name, path, *image.size, (), picture_facts(measure(image, image.size), ()))
    probes = []
    for i in range(4):
        label = task.labels[i % len(task.labels)]
        text = (label.descriptions or (label.name,))[0 if i < 2 else -1]
        pictures = (picture,) if i % 2 else ()
        sample = Sample(f"probe-{i}", task.name, tuple(p.name for p in pictures), (Turn("user", text, text),), None)
        probes.append(Evidence(sample, pictures))
    return probes


def _fold(
    adapter: Path, base: ModelConfig, task: Task, prompt: PromptConfig, out: Path, probes: Sequence[Evidence]
) -> np.ndarray:
    """Save base plus adapter to `out`; returns the scores [n, m] of the adapter on its base."""
    loaded = load_base(base)
    load_adapter(loaded, adapter, _ADAPTER)
    loaded.label_shifts[_ADAPTER] = {}  # not part of the weights: they are exported as a file
    with loaded.using(_ADAPTER):
        scores = LabelScorer(loaded, task, prompt).score(probes)
        if _ADAPTER in loaded.deltas:
            loaded.model.save_pretrained(out)
    if loaded.peft is not None:
        if base.quantize != "none":  # merging into 4-bit weights would round the sums to 4 bits
            loaded = load_base(base)
            loaded.model.dequantize(loaded.dtype)
            load_adapter(loaded, adapter, _ADAPTER)
        assert loaded.peft is not None
        try:
            model = loaded.peft.merge_and_unload(safe_merge=True, adapter_names=[_ADAPTER])
        except ValueError as error:
            raise BundleError(f"the adapter in {adapter} cannot be folded into {loaded.name}: {error}.") from error
        model.save_pretrained(out)
    if (adapter / SHIFT).is_file():
        shutil.copyfile(adapter / SHIFT, out / SHIFT)
    folder = find_weights(base)
    for pattern in _BASE_FILES:
        for file in folder.glob(pattern):
            if file.name not in _NOT_COPIED:
                shutil.copyfile(file, out / file.name)
    return scores


def _finished(out: Path, inputs: dict[str, Any], vision: bool) -> Folded | None:
    """The finished export in `out`, or None if `out` does not exist.

    Raises:
        BundleError: `out` has other content.
    """
    if not out.exists():
        return None
    verified = read_manifest(out / _MANIFEST, SCHEMA, ["verified"], "an exported model", _ADVICE)["verified"]
    check_claim(out / _MANIFEST, inputs, "an exported model", _ADVICE)
    return Folded(out, verified["log_probability_moved"], verified["prompts"], vision)
