"""Tiny models of all three kinds, made and loaded once a session."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from kdsl.models.base import LoadedModel
from kdsl.tasks import Label, Task


@pytest.fixture(scope="session")
def get_loaded(load_tiny: Callable[..., LoadedModel]) -> Callable[[str], LoadedModel]:
    """A loaded model of a kind, shared by all tests: leave no adapter on it."""
    loaded: dict[str, LoadedModel] = {}

    def get(kind: str = "qwen2_vl") -> LoadedModel:
        if kind not in loaded:
            loaded[kind] = load_tiny(kind)
        return loaded[kind]

    return get


@pytest.fixture(scope="session")
def toy_task() -> Task:
    """Labels of which one is a token-prefix of another, one is Latin, and two share their beginning."""
    names = ("退款", "退款页面", "退货", "is it new", "生锈", "会不会生锈")
    return Task(
        name="toy",
        input="dialogue",
        prompt="你要的标签是什么？",
        labels=tuple(Label(name=name, zh=name, en=name) for name in names),
    )
