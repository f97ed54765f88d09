"""A run of pretraining small enough for a test: a few steps of a tiny shape on a tiny world."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.tiny_pretraining import SNIPPETS, TINY

from kdsl.tasks import Task
from kdsl.training.nano.pretrain import _Trainer, pretrain


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory, scene: Task, intent: Task) -> Path:
    """The folder of an uninterrupted run of three steps."""
    out = tmp_path_factory.mktemp("nano")
    pretrain(out, TINY, (scene, intent), SNIPPETS)
    return out


@pytest.fixture
def stopped_after_two(finished: Path, tmp_path: Path, scene: Task, intent: Task) -> Path:
    """A folder whose run was stopped at its checkpoint of step two, of three."""

    class Killed(Exception):
        pass

    save = _Trainer.save

    def save_and_die(trainer: _Trainer) -> None:
        save(trainer)
        raise Killed

    (tmp_path / "world").symlink_to(finished / "world")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_Trainer, "save", save_and_die)
        with pytest.raises(Killed):
            pretrain(tmp_path, TINY, (scene, intent), SNIPPETS)
    return tmp_path
