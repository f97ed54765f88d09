"""Gemma's packages: its terms come first, its parts are checked, and a GGUF file becomes a model folder."""

from __future__ import annotations

import hashlib
from importlib.util import find_spec
from pathlib import Path

import gguf
import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoConfig, AutoTokenizer

from kdsl.config import ModelConfig
from kdsl.errors import ConfigError, MissingDependency
from kdsl.models.base import load_base
from kdsl.models.gemma import GEMMA, PARTS, TERMS, join_parts, joined_gemma, unpack_gguf


@pytest.fixture
def parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Two packages with a part each, which say 'GGUF' together."""
    monkeypatch.syspath_prepend(str(tmp_path))
    found = []
    for name, content in (("tiny_part1", b"GG"), ("tiny_part2", b"UF")):
        (tmp_path / name / "data").mkdir(parents=True)
        (tmp_path / name / "__init__.py").touch()
        (tmp_path / name / "data" / "piece").write_bytes(content)
        found.append((name, hashlib.sha256(content).hexdigest()))
    return found


def _tiny_gguf(file: Path) -> dict[str, np.ndarray]:
    """A GGUF file of Gemma 3 with one layer; the arrays that it holds, by their names there."""
    tokens, kinds = ["<pad>", "<eos>", "<bos>", "<unk>", "▁", "a", "b", "▁a"], [3, 3, 3, 2, 1, 1, 1, 1]
    writer = gguf.GGUFWriter(str(file), "gemma3")
    writer.add_context_length(64)
    writer.add_block_count(1)
    writer.add_embedding_length(16)
    writer.add_feed_forward_length(32)
    writer.add_head_count(2)
    writer.add_head_count_kv(1)
    writer.add_key_length(8)
    writer.add_value_length(8)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_rope_freq_base(10000.0)
    writer.add_sliding_window(32)
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("llama")
    writer.add_token_list(tokens)
    writer.add_token_scores([-float(i) for i in range(len(tokens))])
    writer.add_token_types(kinds)
    writer.add_bos_token_id(2)
    writer.add_eos_token_id(1)
    writer.add_pad_token_id(0)
    writer.add_unk_token_id(3)
    layer = {
        "attn_q": (16, 16),
        "attn_k": (8, 16),
        "attn_v": (8, 16),
        "attn_output": (16, 16),
        "attn_q_norm": (8,),
        "attn_k_norm": (8,),
        "attn_norm": (16,),
        "post_attention_norm": (16,),
        "ffn_norm": (16,),
        "post_ffw_norm": (16,),
        "ffn_gate": (32, 16),
        "ffn_up": (32, 16),
        "ffn_down": (16, 32),
    }
    shapes = {"token_embd": (len(tokens), 16), "output_norm": (16,)} | {f"blk.0.{name}": layer[name] for name in layer}
    rng = np.random.default_rng(0)
    arrays = {f"{name}.weight": rng.normal(0, 1, shape).astype(np.float32) for name, shape in shapes.items()}
    for name, array in arrays.items():
        writer.add_tensor(name, array)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return arrays


def test_a_gguf_file_becomes_a_model_folder_with_its_tokenizer(tmp_path: Path) -> None:
    packed = _tiny_gguf(tmp_path / "tiny.gguf")
    unpack_gguf(tmp_path / "tiny.gguf", tmp_path / "model")
    found = load_file(tmp_path / "model" / "model.safetensors")
    assert len(found) == len(packed)
    for theirs, ours in (
        ("token_embd", "embed_tokens"),
        ("blk.0.attn_k", "layers.0.self_attn.k_proj"),
        ("blk.0.ffn_down", "layers.0.mlp.down_proj"),
    ):
        wanted = torch.from_numpy(packed[f"{theirs}.weight"]).to(torch.bfloat16)
        torch.testing.assert_close(found[f"model.{ours}.weight"], wanted, rtol=0, atol=0)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "model")
    assert tokenizer("a a").input_ids == [2, 5, 7]
    assert AutoConfig.from_pretrained(tmp_path / "model").num_hidden_layers == 1


def test_the_terms_come_first() -> None:
    with pytest.raises(ConfigError, match="accept_terms: gemma") as caught:
        load_base(ModelConfig(source=GEMMA))
    assert TERMS in str(caught.value)


@pytest.mark.skipif(find_spec(PARTS[0][0]) is not None, reason="the extra is installed")
def test_the_packages_are_an_extra() -> None:
    with pytest.raises(MissingDependency, match=r"kdsl\[gemma\]"):
        load_base(ModelConfig(source=GEMMA, accept_terms="gemma"))
    with pytest.raises(MissingDependency):  # nothing unfinished passes for a model
        joined_gemma("gemma")


def test_parts_are_joined_in_order(parts: list[tuple[str, str]], tmp_path: Path) -> None:
    join_parts(parts, tmp_path / "whole")
    assert (tmp_path / "whole").read_bytes() == b"GGUF"


def test_another_part_than_the_pinned_one_is_refused(parts: list[tuple[str, str]], tmp_path: Path) -> None:
    (tmp_path / "tiny_part2" / "data" / "piece").write_bytes(b"U!")
    with pytest.raises(MissingDependency, match=r"piece has the SHA-256 .* expected"):
        join_parts(parts, tmp_path / "whole")


def test_a_missing_package_is_named(parts: list[tuple[str, str]], tmp_path: Path) -> None:
    with pytest.raises(MissingDependency, match="tiny-part3 is not installed"):
        join_parts([*parts, ("tiny_part3", "")], tmp_path / "whole")
