"""Model cards: the README.md of an adapter or an exported model, from manifests and a bundle's metrics.

Cards contain counts and metrics but no samples; of the path of a local base only the last part is shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from sklearn.metrics import accuracy_score

from kdsl.ensemble.bundle import Bundle
from kdsl.ensemble.fit import scores_file
from kdsl.ensemble.router import load_routers
from kdsl.evaluation.metrics import calibration_error, reliability
from kdsl.files import atomic_write
from kdsl.models.adapters import SHIFT, read_adapter, read_stamp, touches_vision, weights_file
from kdsl.models.delta import DELTA
from kdsl.models.merging import training_manifest
from kdsl.scores import OutOfFold, log_loss, weighted_f1
from kdsl.tasks import Task

_TEMPLATE = Path(__file__).with_name("card.md.j2")


@dataclass(frozen=True)
class HeldOut:
    """Held-out metrics of one task: of the adapter's label scores only, and of the whole bundle."""

    n: int
    counts: tuple[int, ...]
    """Samples per label, in the task's order."""
    f1: float
    accuracy: float
    log_loss: float
    ece: float
    f1_fused: float
    accuracy_fused: float
    ask_below: float


def public_name(source: str) -> str:
    """The public name of a base: its hub id or embedded name, or the last part of a local path."""
    return Path(source).name if Path(source).expanduser().is_dir() or source.count("/") > 1 else source


def held_out(bundle: Bundle) -> dict[str, HeldOut]:
    """Task name -> the held-out metrics of the bundle's fit, for tasks with an adapter.

    Raises:
        BundleError: ensemble.json cannot be read.
        InputError: the out-of-fold scores are missing.
    """
    settings = load_routers(bundle.folder / "ensemble.json")
    found = {}
    for task in (task for task in bundle.tasks if task.name in bundle.manifest["adapters"]):
        scored, fitted = OutOfFold.load(scores_file(bundle.folder, task)), settings[task.name]
        log_p, gold = scored.scores["large"], scored.gold
        right = log_p.argmax(1) == gold
        found[task.name] = HeldOut(
            n=len(gold),
            counts=tuple(np.bincount(gold, minlength=len(task.names)).tolist()),
            f1=weighted_f1(gold, log_p.argmax(1)),
            accuracy=float(accuracy_score(gold, log_p.argmax(1))),
            log_loss=log_loss(log_p, gold),
            ece=calibration_error(reliability(np.exp(log_p.max(1)), right)),
            f1_fused=fitted.figures["f1_fused"],
            accuracy_fused=fitted.figures["accuracy"],
            ask_below=fitted.ask_below,
        )
    return found


def model_card(
    adapter: Path,
    tasks: Sequence[Task],
    kind: Literal["adapter", "model"],
    figures: Mapping[str, HeldOut] | None = None,
    folds: int = 0,
) -> str:
    """The text of README.md: YAML metadata in Hugging Face's format, then Markdown.

    Args:
        adapter: the adapter's folder; its stamp and manifest are read.
        tasks: the tasks that it was trained for.
        kind: whether the card is for the adapter or for the model it was folded into.
        figures: the metrics of a bundle (`held_out`), by task.
        folds: number of inner folds of the bundle's fit.
    """
    from huggingface_hub import ModelCard, ModelCardData

    manifest, stamp, figures = training_manifest(adapter), read_stamp(adapter), figures or {}
    delta = weights_file(adapter).name == DELTA
    source = stamp.base if stamp else str(read_adapter(adapter)[0].base_model_name_or_path or "not known")
    base = public_name(source)
    data = ModelCardData(
        base_model=base if base.count("/") == 1 else None,  # the hub accepts only its own ids
        language="zh",
        library_name="transformers" if kind == "model" else "kdsl" if delta else "peft",
        pipeline_tag="image-text-to-text",
        tags=["kdsl", *([] if delta else ["lora"]), "intent-recognition", "customer-service"],
        metrics=["f1", "accuracy"] if figures else None,
    )
    samples: Mapping[str, int] = manifest.get("samples", {})
    counted = ", ".join(f"{samples[task.name]} samples of {task.name}" for task in tasks if task.name in samples)
    card = ModelCard.from_template(
        data,
        template_path=str(_TEMPLATE),
        kind=kind,
        title=f"kdsl {'adapter' if kind == 'adapter' else 'model'}: {', '.join(task.name for task in tasks)}",
        base=base,
        fingerprint=stamp.fingerprint if stamp else "not known",
        tasks=tasks,
        trained_on=counted or "not known",
        seed=manifest.get("seed", "not known"),
        versions=", ".join(f"{name} {v}" for name, v in manifest.get("versions", {}).items()) or "not known",
        sources=manifest.get("sources", ()),
        method=manifest.get("method"),
        counts={task.name: figures[task.name].counts if task.name in figures else () for task in tasks},
        figures={task.name: figures.get(task.name) for task in tasks},
        folds=folds,
        delta=delta,
        shifted=(adapter / SHIFT).is_file(),
        vision=touches_vision(adapter),
    )
    return str(card)


def bundle_card(bundle: Bundle, task: Task, kind: Literal["adapter", "model"]) -> str:
    """The card of a task's adapter in a bundle; if tasks share the adapter, the card covers all of them."""
    adapter = bundle.adapter(task)
    adapted = [other for other in bundle.tasks if other.name in bundle.manifest["adapters"]]
    sharing = [other for other in adapted if bundle.adapter(other) == adapter]
    return model_card(adapter, sharing, kind, held_out(bundle), bundle.config.ensemble.fewest_folds)


def write_cards(bundle: Bundle) -> None:
    """Write README.md into every adapter folder of a bundle. The manifest does not include it, so it may be edited."""
    for task in (task for task in bundle.tasks if task.name in bundle.manifest["adapters"]):
        card = bundle.adapter(task) / "README.md"
        if not card.exists():
            atomic_write(card, bundle_card(bundle, task, "adapter"))
