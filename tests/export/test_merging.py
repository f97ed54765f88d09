"""Merged adapters do what the weighted sum of their sources does, and what does not belong together is refused."""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from kdsl.config import ModelConfig, PromptConfig
from kdsl.errors import BundleError, ConfigError
from kdsl.evaluation.adapters import adapters_table, judge_adapters
from kdsl.evidence.types import Evidence
from kdsl.export.merging import trained_tasks
from kdsl.models.adapters import adapter_on
from kdsl.models.base import load_base
from kdsl.models.merging import METHODS, Merge, check_mergeable, merge_adapters
from kdsl.models.scorer import LabelScorer
from kdsl.tasks import Task

Base = Callable[..., ModelConfig]
Make = Callable[..., Path]


def added(folder: Path) -> dict[str, torch.Tensor]:
    """What an adapter adds to each weight matrix."""
    tensors = load_file(folder / "adapter_model.safetensors")
    config = json.loads((folder / "adapter_config.json").read_text("utf-8"))
    scale = config["lora_alpha"] / config["r"]
    names = {key.rpartition(".lora_")[0] for key in tensors}
    return {n: scale * tensors[f"{n}.lora_B.weight"] @ tensors[f"{n}.lora_A.weight"] for n in names}


def test_cat_is_the_weighted_sum_and_the_base_stays(base_of: Base, make_adapter: Make, tmp_path: Path) -> None:
    base = base_of()
    sources = [make_adapter(base, 0, r=2), make_adapter(base, 1, r=3)]
    loaded = load_base(base)
    before = {name: tensor.clone() for name, tensor in loaded.model.state_dict().items()}
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        out = merge_adapters(loaded, sources, Merge(weights=(0.25, 0.75)), tmp_path / "out")
    after = loaded.model.state_dict()
    assert after.keys() == before.keys()
    assert all(torch.equal(after[name], before[name]) for name in before)

    one, two, merged = added(sources[0]), added(sources[1]), added(out)
    assert merged.keys() == one.keys()
    for name, tensor in merged.items():
        torch.testing.assert_close(tensor, 0.25 * one[name] + 0.75 * two[name], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", ["gemma3_text", "qwen2_vl"])
@pytest.mark.parametrize("method", ["cat", "ties_svd"])
def test_adapters_of_the_upper_layers_are_merged_there_and_nowhere_else(
    kind: str, method: str, base_of: Base, make_adapter: Make, care: Task, dialogues: list[Evidence], tmp_path: Path
) -> None:
    base = base_of(kind)
    upper = {"layers_to_transform": [1], "layers_pattern": "layers"}
    sources = [make_adapter(base, seed, **upper) for seed in (0, 1)]
    out = merge_adapters(load_base(base), sources, Merge(method), tmp_path / "out")
    one, two, merged = added(sources[0]), added(sources[1]), added(out)
    assert merged.keys() == one.keys()
    if method == "cat":
        for name, tensor in merged.items():
            torch.testing.assert_close(tensor, (one[name] + two[name]) / 2, rtol=1e-4, atol=1e-5)
    loaded = load_base(base)
    scorer = LabelScorer(loaded, care, PromptConfig())
    with warnings.catch_warnings(), adapter_on(loaded, out):
        warnings.simplefilter("error")  # peft's, of weights that are missing
        scores = scorer.score(dialogues[:2])
    assert np.abs(scores - scorer.score(dialogues[:2])).max() > 1e-4


def test_the_manifest_names_the_sources_and_their_hashes(base_of: Base, make_adapter: Make, tmp_path: Path) -> None:
    base = base_of()
    sources = [make_adapter(base, 0), make_adapter(base, 1)]
    out = merge_adapters(load_base(base), sources, Merge("dare_ties", density=0.7), tmp_path / "out")
    manifest = json.loads((out / "manifest.json").read_text("utf-8"))
    assert (manifest["method"], manifest["density"], manifest["seed"]) == ("dare_ties", 0.7, 17)
    for source, row in zip(sources, manifest["sources"], strict=True):
        assert row["folder"] == str(source)
        assert row["weight"] == 1.0
        assert row["sha256"] == hashlib.sha256((source / "adapter_model.safetensors").read_bytes()).hexdigest()
        assert row["samples"] == {"care": 9}
    assert sorted(path.name for path in out.iterdir()) == [
        "adapter_config.json",
        "adapter_model.safetensors",
        "kdsl_base.json",
        "manifest.json",
    ]


@pytest.mark.parametrize("method", METHODS)
def test_every_method_gives_an_adapter_that_loads_and_can_be_judged(
    method: str,
    base_of: Base,
    make_adapter: Make,
    care: Task,
    prompt: PromptConfig,
    dialogues: list[Evidence],
    tmp_path: Path,
) -> None:
    base = base_of()
    sources = [make_adapter(base, 0), make_adapter(base, 1)]
    loaded = load_base(base)
    out = merge_adapters(loaded, sources, Merge(method), tmp_path / "out")
    rows = judge_adapters(loaded, [*sources, out], dialogues, [care], prompt)
    assert [row.adapter for row in rows] == [str(path) for path in (*sources, out)]
    assert all(row.n == len(dialogues) and 0 <= row.f1 <= 1 and row.log_loss > 0 for row in rows)
    assert len({row.log_loss for row in rows}) == 3
    assert adapters_table(rows).row_count == 3
    assert loaded.peft is None


def test_dare_depends_on_its_seed_alone(base_of: Base, make_adapter: Make, tmp_path: Path) -> None:
    base = base_of()
    sources = [make_adapter(base, 0), make_adapter(base, 1)]
    merged = [
        load_file(
            merge_adapters(load_base(base), sources, Merge("dare_linear", seed=seed), tmp_path / name)
            / "adapter_model.safetensors"
        )
        for name, seed in (("a", 1), ("b", 1), ("c", 2))
    ]
    key = next(iter(merged[0]))
    assert torch.equal(merged[0][key], merged[1][key])
    assert not torch.equal(merged[0][key], merged[2][key])


def test_merging_equal_adapters_by_ties_keeps_their_strength(base_of: Base, make_adapter: Make, tmp_path: Path) -> None:
    base = base_of()
    source = make_adapter(base, 0)
    out = merge_adapters(load_base(base), [source, source], Merge("ties", density=1.0), tmp_path / "out")
    for name, tensor in added(out).items():
        torch.testing.assert_close(tensor, added(source)[name], rtol=1e-4, atol=1e-5)


def test_refuses_what_does_not_belong_together(base_of: Base, make_adapter: Make, tmp_path: Path) -> None:
    base = base_of()
    first = make_adapter(base, 0)
    with pytest.raises(BundleError, match="different bases"):
        check_mergeable([first, make_adapter(base_of(seed=5), 1)], "cat")
    with pytest.raises(BundleError, match="different modules"):
        check_mergeable([first, make_adapter(base, 1, targets=("q_proj",))], "cat")
    with pytest.raises(BundleError, match=r"one rank.*Use cat"):
        check_mergeable([first, make_adapter(base, 1, r=4)], "linear")
    with pytest.raises(BundleError, match="use_dora=True"):
        check_mergeable([first, make_adapter(base, 1, use_dora=True)], "cat")
    with pytest.raises(BundleError, match="was trained on"):
        merge_adapters(load_base(base_of(seed=5)), [first, first], Merge(), tmp_path / "out")
    (tmp_path / "taken").mkdir()
    with pytest.raises(BundleError, match="exists already"):
        merge_adapters(load_base(base), [first, first], Merge(), tmp_path / "taken")
    assert not (tmp_path / "out").exists()


def test_what_is_taken_off_labels_is_merged_too(base_of: Base, make_adapter: Make, tmp_path: Path) -> None:
    base = base_of()
    sources = [make_adapter(base, 0), make_adapter(base, 1)]
    (sources[0] / "label_shift.json").write_text('{"care": {"wash": -1, "dry": -2}}', "utf-8")
    with pytest.raises(BundleError, match="has none"):
        check_mergeable(sources, "cat")
    (sources[1] / "label_shift.json").write_text('{"care": {"wash": -3, "dry": -1}}', "utf-8")
    out = merge_adapters(load_base(base), sources, Merge(), tmp_path / "out")
    assert json.loads((out / "label_shift.json").read_text("utf-8")) == {"care": {"wash": -2.0, "dry": -1.5}}


@pytest.mark.parametrize(
    ("merge", "fault"),
    [
        (Merge("tie"), "unknown"),
        (Merge(weights=(1.0,)), "1 weights were given for 2"),
        (Merge("linear", density=0.5), "keeps every weight"),
        (Merge("ties", density=1.5), "not in"),
    ],
)
def test_refuses_an_impossible_merge(merge: Merge, fault: str) -> None:
    with pytest.raises(ConfigError, match=fault):
        merge.resolved(2)


def test_one_adapter_is_nothing_to_merge() -> None:
    with pytest.raises(ConfigError, match="two at least"):
        Merge().resolved(1)


def test_judges_the_tasks_that_the_sources_were_trained_on(
    base_of: Base, make_adapter: Make, care: Task, scene: Task
) -> None:
    assert trained_tasks([make_adapter(base_of(), 0)], [scene, care]) == [care]
