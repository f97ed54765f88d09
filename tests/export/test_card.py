"""Model cards: metadata that Hugging Face reads, figures of the fit, nothing of the data."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from huggingface_hub import ModelCard

from kdsl.config import ModelConfig
from kdsl.ensemble.fusion import Fusion
from kdsl.ensemble.router import Router, save_routers
from kdsl.export.card import bundle_card, held_out, model_card, public_name, write_cards
from kdsl.scores import OutOfFold
from kdsl.tasks import Task

Base = Callable[..., ModelConfig]
Make = Callable[..., Path]


class FittedBundle:
    """What a card reads of a bundle, with figures that can be worked out by hand."""

    def __init__(self, folder: Path, adapter: Path, task: Task) -> None:
        self.folder, self._adapter, self.tasks = folder, adapter, [task]
        self.manifest = {"adapters": {task.name: adapter.name}}
        from kdsl.config import Config

        self.config = Config()
        log_p = np.log(np.array([[0.8, 0.1, 0.1], [0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.1, 0.8, 0.1]]))
        scored = OutOfFold(("a", "b", "c", "d"), np.array([0, 0, 1, 0]), {"large": log_p})
        scored.save(folder / "report" / f"{task.name}.npz")
        figures = {"f1_fused": 0.875, "accuracy": 0.8125}
        save_routers(folder / "ensemble.json", {task.name: Router(Fusion({"large": 1.0}), None, 0.0, 0.625, figures)})

    def adapter(self, task: Task) -> Path:
        return self._adapter


@pytest.fixture
def bundle(base_of: Base, make_adapter: Make, care: Task, tmp_path: Path) -> FittedBundle:
    return FittedBundle(tmp_path, make_adapter(base_of()), care)


def test_the_card_tells_the_figures_of_the_fit(bundle: FittedBundle, care: Task) -> None:
    figures = held_out(bundle)["care"]  # type: ignore[arg-type]
    assert (figures.n, figures.counts, figures.accuracy) == (4, (3, 1, 0), 0.75)
    assert figures.log_loss == pytest.approx(-(3 * np.log(0.8) + np.log(0.1)) / 4)
    assert figures.ece == pytest.approx(0.05)
    text = bundle_card(bundle, care, "adapter")  # type: ignore[arg-type]
    for told in ("9 samples of care", "| 退款 | 退款 | 1 |", "| 0.750 |", "0.875", "below 0.62", "seed", "peft 0.17"):
        assert told in text, told


def test_the_metadata_is_yaml_that_the_hub_reads(bundle: FittedBundle, care: Task) -> None:
    write_cards(bundle)  # type: ignore[arg-type]
    file = bundle.adapter(care) / "README.md"
    data = ModelCard.load(file).data.to_dict()
    assert data["library_name"] == "peft"
    assert data["language"] == "zh"
    assert "base_model" not in data  # a local folder is no id of the hub
    file.write_text("edited by a person", "utf-8")
    write_cards(bundle)  # type: ignore[arg-type]
    assert file.read_text("utf-8") == "edited by a person"


def test_a_card_without_a_bundle_claims_no_figures(base_of: Base, make_adapter: Make, care: Task) -> None:
    base = base_of()
    text = model_card(make_adapter(base), [care], "model")
    assert "None came with the adapter" in text
    assert ModelCard(text).data.library_name == "transformers"
    assert str(Path(base.source).parent) not in text


def test_a_local_path_is_not_made_public(tmp_path: Path) -> None:
    assert public_name("Qwen/Qwen2-VL-7B-Instruct") == "Qwen/Qwen2-VL-7B-Instruct"
    assert public_name("kdsl-nano") == "kdsl-nano"
    assert public_name(str(tmp_path)) == tmp_path.name
