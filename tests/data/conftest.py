from __future__ import annotations

import pytest
from helpers.own_shop import INTENT, SCENE

from kdsl.tasks import Task


@pytest.fixture
def tasks() -> list[Task]:
    return [SCENE, INTENT]
