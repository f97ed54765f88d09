"""The targets of benchmarks/fuzz: each passes over its seeds, and tells a refusal in words from a fault."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import pytest

from kdsl.errors import InputError

FOLDER = Path(__file__).parents[2] / "benchmarks" / "fuzz"
NAMES = ("dialogue", "rules", "literal", "tasks", "rows")


@pytest.fixture
def targets(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(FOLDER))
    monkeypatch.delitem(sys.modules, "targets", raising=False)
    return __import__("targets")


@pytest.mark.parametrize("name", NAMES)
def test_a_target_passes_over_its_seeds_and_over_nonsense(targets: ModuleType, name: str) -> None:
    target = targets.TARGETS[name]
    for seed in targets.SEEDS[name]:
        target(seed)  # a good input: it is read, not refused
    for content in (b"", b"\0", b"\xff\xfe{", b"[" * 1_200, b"&a [*a]", b"{" * 50 + b"\n", *targets.SEEDS[name]):
        targets.tried(target, content[: len(content) // 2])
        targets.tried(target, content[::-1])
        targets.tried(target, content)


def test_all_targets_are_tried_here(targets: ModuleType) -> None:
    assert set(NAMES) == set(targets.TARGETS) == set(targets.SEEDS) == set(targets.WORDS)
    for name in NAMES:
        assert len(targets.dictionary(name).splitlines()) == len(targets.WORDS[name])


def test_a_fault_is_told_from_a_refusal(targets: ModuleType) -> None:
    def refuses(content: bytes) -> None:
        raise InputError("line 3: expected a text")

    def leaks(content: bytes) -> None:
        raise InputError("<function at object at 0x7f> in site-packages")

    def fails(content: bytes) -> None:
        raise KeyError("label")

    targets.tried(refuses, b"")
    with pytest.raises(AssertionError):
        targets.tried(leaks, b"")
    with pytest.raises(KeyError):
        targets.tried(fails, b"")
