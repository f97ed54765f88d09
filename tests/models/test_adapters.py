"""Several adapters on one base, each used by name, none put onto the wrong base."""

from __future__ import annotations

import json
import shutil
import warnings
from pathlib import Path

import pytest
import torch
from helpers.tiny_models import tiny_folder
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file, save_file

from kdsl.config import ModelConfig
from kdsl.errors import BundleError, ConfigError
from kdsl.models.adapters import (
    STAMP,
    count_parameters,
    load_adapter,
    remove_adapter,
    stamp_adapter,
)
from kdsl.models.base import LoadedModel, load_base
from kdsl.models.generation import AT_ONCE, generate, text_prompt, writer


def load(folder: Path) -> LoadedModel:
    return load_base(ModelConfig(source=str(folder), device="cpu"))


@pytest.fixture(scope="module")
def base_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_folder(tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="module")
def adapters(base_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Two adapters of random weights in PEFT's format, stamped with their base."""
    made = {}
    for seed, name in enumerate(("scene", "intent")):
        trained = load(base_folder)
        torch.manual_seed(seed)
        peft = get_peft_model(
            trained.model, LoraConfig(r=2, init_lora_weights=False, target_modules=["q_proj", "o_proj"])
        )
        made[name] = tmp_path_factory.mktemp(name)
        peft.save_pretrained(made[name])
        stamp_adapter(made[name], trained)
    return made


def logits(loaded: LoadedModel) -> torch.Tensor:
    ids = torch.tensor([loaded.tokenizer("会不会生锈")["input_ids"]])
    with torch.no_grad():
        return loaded.model(input_ids=ids).logits


def test_loading_says_nothing_of_names_within_other_packages(base_folder: Path, adapters: dict[str, Path]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", FutureWarning)
        load_adapter(load(base_folder), adapters["scene"], "scene")


def test_adapters_switch_and_the_base_comes_back(base_folder: Path, adapters: dict[str, Path]) -> None:
    loaded = load(base_folder)
    plain = logits(loaded)
    for name, folder in adapters.items():
        load_adapter(loaded, folder, name)
    torch.testing.assert_close(logits(loaded), plain, rtol=0, atol=0)
    with loaded.using("scene"):
        scene = logits(loaded)
        with loaded.using("intent"):
            intent = logits(loaded)
            with loaded.using(None):
                torch.testing.assert_close(logits(loaded), plain, rtol=0, atol=0)
        torch.testing.assert_close(logits(loaded), scene, rtol=0, atol=0)
    torch.testing.assert_close(logits(loaded), plain, rtol=0, atol=0)
    assert (scene - plain).abs().max() > 1e-3
    assert (scene - intent).abs().max() > 1e-3
    assert not any(parameter.requires_grad for parameter in loaded.model.parameters())

    alone = load(base_folder)
    load_adapter(alone, adapters["intent"], "intent")
    with alone.using("intent"):
        torch.testing.assert_close(logits(alone), intent, rtol=0, atol=0)


def test_a_removed_adapter_leaves_the_others_and_the_base(base_folder: Path, adapters: dict[str, Path]) -> None:
    loaded = load(base_folder)
    plain, modules = logits(loaded), [name for name, _ in loaded.model.named_modules()]
    for name, folder in adapters.items():
        load_adapter(loaded, folder, name)
    with loaded.using("intent"):
        intent = logits(loaded)
        remove_adapter(loaded, "scene")
        torch.testing.assert_close(logits(loaded), intent, rtol=0, atol=0)
        with pytest.raises(ConfigError, match="in use"):
            remove_adapter(loaded, "intent")
    torch.testing.assert_close(logits(loaded), plain, rtol=0, atol=0)
    remove_adapter(loaded, "intent")
    assert [name for name, _ in loaded.model.named_modules()] == modules
    torch.testing.assert_close(logits(loaded), plain, rtol=0, atol=0)
    with pytest.raises(ConfigError, match="not loaded"):
        remove_adapter(loaded, "intent")


def test_an_error_inside_using_restores_the_base(base_folder: Path, adapters: dict[str, Path]) -> None:
    loaded = load(base_folder)
    load_adapter(loaded, adapters["scene"], "scene")
    with pytest.raises(ConfigError, match="'scene' is in use"), loaded.using("scene"):
        load_adapter(loaded, adapters["intent"], "intent")
    assert loaded.active is None


def test_parameters_of_an_adapter(base_folder: Path, adapters: dict[str, Path]) -> None:
    loaded = load(base_folder)
    before = loaded.n_parameters
    load_adapter(loaded, adapters["scene"], "scene")
    # two layers, q and o of 32 x 32 (no vision module has these names), r = 2: A and B hold 64 each
    assert count_parameters(loaded, "scene") == 2 * 2 * (2 * 32 + 32 * 2)
    assert loaded.n_parameters == before


def test_an_unknown_adapter_is_suggested(base_folder: Path, adapters: dict[str, Path]) -> None:
    loaded = load(base_folder)
    load_adapter(loaded, adapters["scene"], "scene")
    with pytest.raises(ConfigError, match="Did you mean scene"), loaded.using("scenes"):
        pass


def test_an_adapter_of_another_base_is_refused(base_folder: Path, adapters: dict[str, Path], tmp_path: Path) -> None:
    other = load(tiny_folder(tmp_path / "other", seed=5))
    with pytest.raises(BundleError, match="trained on"):
        load_adapter(other, adapters["scene"], "scene")
    assert other.adapters == ()
    assert other.peft is None


def test_an_unstamped_adapter_of_other_sizes_is_refused(tmp_path: Path, adapters: dict[str, Path]) -> None:
    loaded = load(tiny_folder(tmp_path / "base"))
    folder = tmp_path / "wide"
    folder.mkdir()
    (folder / "adapter_config.json").write_text((adapters["scene"] / "adapter_config.json").read_text())
    tensors = load_file(adapters["scene"] / "adapter_model.safetensors")
    wide = {key: torch.cat([t, t], 1) if "lora_A" in key else t for key, t in tensors.items()}
    save_file(wide, folder / "adapter_model.safetensors")
    with pytest.raises(BundleError, match="64 features where the model has 32"):
        load_adapter(loaded, folder, "wide")


def test_an_unstamped_adapter_that_fits_is_taken(base_folder: Path, adapters: dict[str, Path], tmp_path: Path) -> None:
    folder = tmp_path / "foreign"
    folder.mkdir()
    for name in ("adapter_config.json", "adapter_model.safetensors"):
        (folder / name).write_bytes((adapters["scene"] / name).read_bytes())
    loaded = load(base_folder)
    load_adapter(loaded, folder, "foreign")
    assert loaded.adapters == ("foreign",)


def test_an_adapter_that_changed_its_base_is_refused(
    base_folder: Path, adapters: dict[str, Path], tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(adapters["scene"], tmp_path / "pissa"))
    config = json.loads((folder / "adapter_config.json").read_text("utf-8"))
    (folder / "adapter_config.json").write_text(json.dumps({**config, "init_lora_weights": "pissa"}), "utf-8")
    loaded = load(base_folder)
    before = {name: tensor.clone() for name, tensor in loaded.model.state_dict().items()}
    with pytest.raises(BundleError, match="init_lora_weights='pissa'"):
        load_adapter(loaded, folder, "pissa")
    assert all(torch.equal(tensor, before[name]) for name, tensor in loaded.model.state_dict().items())


@pytest.mark.parametrize("first", [True, False])
def test_strange_tensors_are_refused_and_leave_the_model_as_it_was(
    first: bool, base_folder: Path, adapters: dict[str, Path], tmp_path: Path
) -> None:
    loaded = load(base_folder)
    if not first:
        load_adapter(loaded, adapters["intent"], "intent")
    plain = logits(loaded)
    (tmp_path / "adapter_config.json").write_bytes((adapters["scene"] / "adapter_config.json").read_bytes())
    tensors = load_file(adapters["scene"] / "adapter_model.safetensors")
    renamed = {key.replace("layers.1.", "layers.9."): tensor for key, tensor in tensors.items()}
    save_file(renamed, tmp_path / "adapter_model.safetensors")
    with pytest.raises(BundleError, match=r"no counterpart.*layers\.9"):
        load_adapter(loaded, tmp_path, "scene")
    torch.testing.assert_close(logits(loaded), plain, rtol=0, atol=0)
    load_adapter(loaded, adapters["scene"], "scene")
    with loaded.using("scene"):
        assert (logits(loaded) - plain).abs().max() > 1e-3


@pytest.mark.parametrize("file", ["adapter_config.json", "adapter_model.safetensors", STAMP])
def test_a_damaged_folder_is_named(file: str, base_folder: Path, adapters: dict[str, Path], tmp_path: Path) -> None:
    folder = tmp_path / "damaged"
    folder.mkdir()
    for part in adapters["scene"].iterdir():
        (folder / part.name).write_bytes(part.read_bytes())
    (folder / file).write_text("{")
    with pytest.raises(BundleError, match="damaged"):
        load_adapter(load(base_folder), folder, "scene")


def test_missing_files_and_pickles_are_refused(base_folder: Path, adapters: dict[str, Path], tmp_path: Path) -> None:
    (tmp_path / "adapter_config.json").write_text((adapters["scene"] / "adapter_config.json").read_text())
    (tmp_path / "adapter_model.bin").write_bytes(b"not read")
    with pytest.raises(BundleError, match=r"adapter_model\.safetensors"):
        load_adapter(load(base_folder), tmp_path, "scene")


def test_a_stamp_says_what_it_was_trained_on(adapters: dict[str, Path], base_folder: Path) -> None:
    stamp = json.loads((adapters["scene"] / STAMP).read_text("utf-8"))
    assert stamp["fingerprint"] == load(base_folder).fingerprint


def test_greedy_writing_equals_taking_the_likeliest_token_each_time(base_folder: Path) -> None:
    loaded = load(base_folder)
    prompts = [text_prompt(loaded, "会生锈吗"), text_prompt(loaded, "订单<|im_end|>详情：加入购物车")]
    together = generate(loaded, prompts, max_new_tokens=4)
    for prompt, written in zip(prompts, together, strict=True):
        text = loaded.processor.apply_chat_template(prompt.messages, add_generation_prompt=True, tokenize=False)
        ids = loaded.tokenizer(text, return_tensors="pt")["input_ids"]
        assert ids.shape[1] == prompt.n_tokens
        start = ids.shape[1]
        for _ in range(4):
            with torch.no_grad():
                ids = torch.cat([ids, loaded.model(input_ids=ids).logits[:, -1:].argmax(-1)], 1)
        assert written == loaded.tokenizer.decode(ids[0, start:], skip_special_tokens=True)
    assert generate(loaded, [], max_new_tokens=4) == []


def test_many_requests_are_answered_in_order_some_at_once(base_folder: Path) -> None:
    loaded = load(base_folder)
    requests = [f"{'很' * i}会生锈吗" for i in range(AT_ONCE + 2)]
    write = writer(loaded, max_new_tokens=3)
    assert write is not None
    assert list(write(requests)) == [generate(loaded, [text_prompt(loaded, one)], 3)[0] for one in requests]
