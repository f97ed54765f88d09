"""The files of base models: where they are, how they are fetched, and the fingerprint of the weights."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

from kdsl.config import NANO, ModelConfig
from kdsl.errors import MissingDependency, did_you_mean
from kdsl.models.gemma import GEMMA, joined_gemma
from kdsl.resources import PACKAGE

NANO_FOLDER = PACKAGE / "models" / "nano" / "weights"

_TOKENIZER = ["*.json", "*.txt", "*.jinja"]
"""File patterns of tokenizer, processor and config to download from a hub: no pickles, no Python."""
_WEIGHTS = ["*.safetensors"]
"""Those of weights."""
_WHOLE_FILE = 64 << 20
"""Weight files up to this size, in bytes, are hashed completely; from larger ones only parts are."""


def find_weights(config: ModelConfig) -> Path:
    """The folder of a model's files, which are downloaded from its hub if necessary.

    Raises:
        MissingDependency: there are no weights; the message names what was searched for and what to do.
        ConfigError: `accept_terms` does not accept the terms that the weights have.
    """
    return _find(config, weights=True)


def find_tokenizer(config: ModelConfig) -> Path:
    """The folder of a model's tokenizer, processor and config.json, which alone are downloaded if it is served.

    Raises:
        MissingDependency, ConfigError: as `find_weights` raises them.
    """
    return _find(config, weights=config.server is None)


def _find(config: ModelConfig, *, weights: bool) -> Path:
    source = config.source
    if source == NANO:
        if not (NANO_FOLDER / "model.safetensors").is_file():
            raise MissingDependency(
                f"the embedded model's weights are not at {NANO_FOLDER}. Reinstall kdsl, "
                "or train them with `kdsl nano pretrain`."
            )
        return NANO_FOLDER
    if source == GEMMA:
        return joined_gemma(config.accept_terms)
    local = Path(source).expanduser()
    if local.is_dir():
        return local
    if local.is_absolute() or source.startswith((".", "~")) or source.count("/") != 1:
        raise MissingDependency(
            f"no folder '{source}' is here, and it is no hub id either (such as Qwen/Qwen2-VL-2B-Instruct)."
            f"{did_you_mean(source, [NANO, GEMMA])}"
        )
    fetch = _from_modelscope if config.hub == "modelscope" else _from_huggingface
    return fetch(source, weights)


def fingerprint_of(folder: Path) -> str:
    """A fingerprint of a model's weights: 16 hex digits of a SHA-256 over config.json and all safetensors files.

    From a file over 64 MB only the size, the first megabyte (with the safetensors header) and 64 evenly spaced pieces
    of 64 kB are hashed, so a model of 15 GB takes well under a second.
    """
    digest = hashlib.sha256()
    for file in [folder / "config.json", *sorted(folder.glob("*.safetensors"))]:
        size = file.stat().st_size
        digest.update(f"{file.name}:{size}\n".encode())
        with file.open("rb") as stream:
            if size <= _WHOLE_FILE:
                while block := stream.read(1 << 20):
                    digest.update(block)
            else:
                digest.update(stream.read(1 << 20))
                for i in range(64):
                    stream.seek((size - (64 << 10)) * i // 63)
                    digest.update(stream.read(64 << 10))
    return digest.hexdigest()[:16]


def is_complete(folder: Path) -> bool:
    """Whether a model folder has config.json and every weight file that its index names."""
    index = folder / "model.safetensors.index.json"
    if index.is_file():
        shards = set(json.loads(index.read_text("utf-8"))["weight_map"].values())
    else:
        shards = {"model.safetensors"}
    return all((folder / name).is_file() for name in ("config.json", *shards))


def _patterns(weights: bool) -> list[str]:
    return _TOKENIZER + _WEIGHTS * weights


def _is_enough(folder: Path, weights: bool) -> bool:
    if weights:
        return is_complete(folder)
    return all((folder / name).is_file() for name in ("config.json", "tokenizer_config.json"))


def _from_huggingface(source: str, weights: bool) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        cached = Path(snapshot_download(source, allow_patterns=_patterns(weights), local_files_only=True))
        if _is_enough(cached, weights):  # what was fetched once is used without asking the hub again
            return cached
    except (LocalEntryNotFoundError, HFValidationError):
        pass
    try:
        return Path(snapshot_download(source, allow_patterns=_patterns(weights), etag_timeout=10))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        offline = os.environ.get("HF_HUB_OFFLINE", "")
        because = (
            f"HF_HUB_OFFLINE={offline} forbids to ask the hub"
            if offline not in ("", "0")
            else f"the hub gave none: {type(error).__name__}"
        )
        raise MissingDependency(
            f"model '{source}' is not in the Hugging Face cache, and {because}. Fetch it where there is a "
            f"network (`hf download {source}`), set `hub: modelscope`, or give a local folder as `source`. "
            "HF_ENDPOINT names a mirror; HF_HUB_OFFLINE=1 makes this answer come at once."
        ) from error


def _from_modelscope(source: str, weights: bool) -> Path:
    try:
        from modelscope import snapshot_download
    except ImportError as error:
        raise MissingDependency(
            f"model '{source}' is wanted from ModelScope, but the package modelscope is not installed: "
            "`pip install 'kdsl[modelscope]'`."
        ) from error
    try:
        cached = Path(snapshot_download(source, local_files_only=True))
        if _is_enough(cached, weights):
            return cached
    except ValueError:
        pass
    try:
        return Path(snapshot_download(source, allow_file_pattern=_patterns(weights)))
    except Exception as error:  # modelscope raises what requests, urllib3 and its own API raise
        raise MissingDependency(
            f"model '{source}' is not in the ModelScope cache and could not be fetched: {error}. "
            "Fetch it where there is a network, or give a local folder as `source`."
        ) from error
