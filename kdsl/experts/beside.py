"""Further large models: each of the setting `beside` is an expert of its own, with one call per sample.

A model that has read the world and one that has learned the shop's screens know different things, so both are asked.
Calls 2 and 3 are those of `large`, as far as the budget allows them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Self

from kdsl.config import Config
from kdsl.evidence.types import Evidence
from kdsl.experts.base import Call, Material, RoutedSample, Setup
from kdsl.experts.large import LargeExpert
from kdsl.tasks import Task


class FurtherLargeExpert(LargeExpert):
    """The model `name` of `beside`, with the settings of a run in which it is the large one."""

    def __init__(self, task: Task, setup: Setup) -> None:
        super().__init__(task, setup_of(setup, self.name))

    @classmethod
    def serves(cls, task: Task, config: Config) -> bool:
        return config.beside[cls.name].model.asked(task)

    @classmethod
    def place(cls, folder: Path, task: Task, config: Config) -> Path:
        return LargeExpert.place(folder / "beside" / cls.name, task, config.of_beside(cls.name))

    def fit(self, material: Material) -> Self:
        return super().fit(replace(material, work=material.work / self.name, adapter_configs={}))

    def first_call(self, evidences: Sequence[Evidence], *, keep: bool) -> Call:
        return super().first_call(evidences, keep=False)

    def further_calls(self, routed: RoutedSample) -> Sequence[Sequence[Call]]:
        return ()


@lru_cache
def further_large_expert(name: str) -> type[FurtherLargeExpert]:
    """The expert of one model of `beside`."""
    return type("FurtherLargeExpert", (FurtherLargeExpert,), {"name": name})


def setup_of(setup: Setup, name: str) -> Setup:
    """What the model `name` of `beside` is trained and asked with."""
    return Setup(setup.tasks, setup.config.of_beside(name), setup.models.beside[name])
