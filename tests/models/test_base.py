"""Loading base models: what is counted, what identifies them, and what a person reads when it fails."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest
from helpers.tiny_models import KINDS
from safetensors.torch import load_file, save_file

from kdsl.config import ModelConfig
from kdsl.errors import ConfigError, MissingDependency
from kdsl.models.base import LoadedModel, load_base
from kdsl.models.weights import fingerprint_of, is_complete


def copied(folder: Path, to: Path) -> Path:
    return Path(shutil.copytree(folder, to))


@pytest.mark.parametrize("kind", KINDS)
def test_parameters_are_counted_from_the_weights_on_disk(
    kind: str, folders: dict[str, Path], get_loaded: Callable[[str], LoadedModel]
) -> None:
    on_disk = load_file(folders[kind] / "model.safetensors")  # a tied weight is stored once
    loaded = get_loaded(kind)
    assert loaded.n_parameters == sum(tensor.numel() for tensor in on_disk.values())
    assert loaded.model_type == kind
    assert loaded.factor == (32 if kind == "qwen3_vl" else 28)
    assert not loaded.model.training
    assert not any(parameter.requires_grad for parameter in loaded.model.parameters())


def test_fingerprint_changes_with_one_weight_and_not_with_the_place(folders: dict[str, Path], tmp_path: Path) -> None:
    other = copied(folders["qwen2_vl"], tmp_path / "other")
    assert fingerprint_of(other) == fingerprint_of(folders["qwen2_vl"])
    tensors = load_file(other / "model.safetensors")
    name = sorted(tensors)[0]
    tensors[name].view(-1)[0] += 1
    save_file(tensors, other / "model.safetensors", metadata={"format": "pt"})
    assert fingerprint_of(other) != fingerprint_of(folders["qwen2_vl"])


def test_fingerprint_of_a_large_file_sees_its_size_and_its_end(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    weights = tmp_path / "model.safetensors"
    prints = set()
    for size, last in (((64 << 20) + 1, b"a"), ((64 << 20) + 1, b"b"), ((64 << 20) + 2, b"a")):
        with weights.open("wb") as stream:
            stream.truncate(size)
            stream.seek(size - 1)
            stream.write(last)
        prints.add(fingerprint_of(tmp_path))
    assert len(prints) == 3


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("./no-such-folder", "no folder"),
        ("kdsl-nan", "Did you mean kdsl-nano"),
        ("nobody/no-model", "HF_HUB_OFFLINE"),
    ],
)
def test_what_is_not_here_is_named(source: str, says: str) -> None:
    with pytest.raises(MissingDependency, match=says) as caught:
        load_base(ModelConfig(source=source))
    assert source in str(caught.value)


@pytest.mark.skipif(find_spec("modelscope") is not None, reason="the extra is installed")
def test_modelscope_is_an_extra() -> None:
    with pytest.raises(MissingDependency, match=r"kdsl\[modelscope\]"):
        load_base(ModelConfig(source="nobody/no-model", hub="modelscope"))


def test_weights_in_other_formats_are_not_read(folders: dict[str, Path], tmp_path: Path) -> None:
    folder = copied(folders["qwen2_vl"], tmp_path / "pickled")
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(MissingDependency, match="can run code"):
        load_base(ModelConfig(source=str(folder)))


def test_a_missing_tensor_is_not_filled_with_random_numbers(folders: dict[str, Path], tmp_path: Path) -> None:
    folder = copied(folders["qwen2_vl"], tmp_path / "holed")
    tensors = load_file(folder / "model.safetensors")
    gone = next(name for name in tensors if "layers.1" in name)
    del tensors[gone]
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(MissingDependency, match="incomplete"):
        load_base(ModelConfig(source=str(folder)))


def test_a_truncated_file_says_which_folder(folders: dict[str, Path], tmp_path: Path) -> None:
    folder = copied(folders["qwen2_vl"], tmp_path / "cut")
    whole = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(MissingDependency, match="cannot be loaded") as caught:
        load_base(ModelConfig(source=str(folder)))
    assert str(folder) in str(caught.value)


def test_another_kind_of_model_is_refused(folders: dict[str, Path], tmp_path: Path) -> None:
    folder = copied(folders["qwen2_vl"], tmp_path / "bert")
    (folder / "config.json").write_text(json.dumps({"model_type": "bert"}))
    with pytest.raises(ConfigError, match="'bert'"):
        load_base(ModelConfig(source=str(folder)))


@pytest.mark.parametrize("device", ["gpu", "cuda:99"])
def test_a_device_that_is_not_here(device: str, folders: dict[str, Path]) -> None:
    with pytest.raises(ConfigError, match=device):
        load_base(ModelConfig(source=str(folders["qwen2_vl"]), device=device))


def test_a_download_that_broke_off_is_not_complete(folders: dict[str, Path], tmp_path: Path) -> None:
    folder = copied(folders["qwen2_vl"], tmp_path / "broken-off")
    assert is_complete(folder)
    index = {"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    (folder / "model.safetensors").rename(folder / "model-00001-of-00002.safetensors")
    assert not is_complete(folder)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        pytest.param(
            {"quantize": "4bit"},
            "needs the package bitsandbytes",
            marks=pytest.mark.skipif(find_spec("bitsandbytes") is not None, reason="it is installed"),
        ),
        pytest.param(
            {"attention": "flash_attention_2"},
            "needs the package flash-attn",
            marks=pytest.mark.skipif(find_spec("flash_attn") is not None, reason="it is installed"),
        ),
    ],
)
def test_what_needs_a_package_says_so(settings: dict[str, str], says: str, folders: dict[str, Path]) -> None:
    config = ModelConfig.model_validate({"source": str(folders["qwen2_vl"]), "device": "cpu"} | settings)
    with pytest.raises(ConfigError, match=says):
        load_base(config)


def test_attention_is_what_was_asked_for(folders: dict[str, Path]) -> None:
    loaded = load_base(ModelConfig(source=str(folders["qwen2_vl"]), device="cpu", attention="eager"))
    assert loaded.model.model.language_model.config._attn_implementation == "eager"
