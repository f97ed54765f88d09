"""Gemma's packages: its terms come first, its parts are checked, and a GGUF file becomes a model folder."""

from __future__ import annotations

import hashlib
from importlib.util import find_spec
from pathlib import Path

import pytest

from kdsl.config import ModelConfig
from kdsl.errors import ConfigError, MissingDependency
from kdsl.models.base import load_base
from kdsl.models.gemma import GEMMA, PARTS, TERMS, join_parts, joined_gemma


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
