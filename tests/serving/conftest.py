"""A small real bundle without a large model, and servers of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.light_shop import copied
from helpers.running import Running, running

from kdsl.serving.settings import ServerSettings


@pytest.fixture(scope="session")
def light(fitted: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle that tests share, who do not change it."""
    return copied(fitted, tmp_path_factory.mktemp("served") / "shop")


@pytest.fixture(scope="session")
def server(light: Path) -> Iterator[Running]:
    """A server that tests share, who leave no trace in it."""
    with running(ServerSettings(light)) as started:
        yield started
