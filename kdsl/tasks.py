"""A task: its name, what it looks at, its labels with descriptions, and the question put to a model.

Tasks are YAML files (configs/tasks/*.yaml), so that labels can be exchanged for a user's own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from kdsl.errors import ConfigError, InputError, did_you_mean, faults_of
from kdsl.runs import listed


class _Unquoted(str):
    """A text of a YAML file that stands without quotes and that YAML takes for something else; `kind` says for what."""

    kind: str


class _Loader(yaml.SafeLoader):
    """Reads a task file, all of whose values are texts: what YAML takes for true, a number or a date stays a text."""


def _unquoted(kind: str) -> Callable[[_Loader, yaml.ScalarNode], _Unquoted]:
    def construct(_: _Loader, node: yaml.ScalarNode) -> _Unquoted:
        text = _Unquoted(node.value)
        text.kind = kind
        return text

    return construct


for _tag, _kind in (("bool", "true or false"), ("int", "a number"), ("float", "a number"), ("timestamp", "a date")):
    _Loader.add_constructor(f"tag:yaml.org,2002:{_tag}", _unquoted(_kind))


class Label(BaseModel):
    """One label: `name` is what a prediction says; `zh` and `en` say what it means."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1)
    zh: str = Field(min_length=1)
    en: str = Field(min_length=1)

    @field_validator("name", mode="before")
    @classmethod
    def _quoted(cls, name: Any) -> Any:
        if isinstance(name, _Unquoted):
            raise ValueError(f'YAML reads {name} as {name.kind}; put it in quotes: name: "{name}"')
        if name is None:
            raise ValueError('is empty (YAML reads null and ~ as nothing); write a text, in quotes: name: "..."')
        return name


class SpeakerNames(BaseModel):
    """Names of speakers by the side that they speak for."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    user: tuple[str, ...] = ()
    agent: tuple[str, ...] = ()


class Task(BaseModel):
    """A classification task over one closed list of labels."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[a-z][a-z0-9_-]*$")
    """Identifier, used in file names and in every prediction."""
    input: Literal["picture", "dialogue"]
    """What a sample of this task is: pictures alone, or a dialogue with its pictures."""
    prompt: str = Field(min_length=1)
    """The question, asked after the pictures, their text and the dialogue."""
    labels: tuple[Label, ...]
    speakers: SpeakerNames = SpeakerNames()
    """Names that open a turn in this shop's dialogues, beside the usual ones (`kdsl.data.speakers`)."""

    @field_validator("labels")
    @classmethod
    def _distinct(cls, labels: tuple[Label, ...]) -> tuple[Label, ...]:
        if len(labels) < 2:  # here and not in the field: a faulty label would count as missing
            raise ValueError(f"expected two labels at least, found {len(labels)}")
        names = [label.name for label in labels]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"labels stand twice: {', '.join(twice)}")
        return labels

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The labels' names, in the order that every score matrix [n, m] uses for its columns."""
        return tuple(label.name for label in self.labels)

    def index(self, name: str) -> int:
        """Column of a label.

        Raises:
            InputError: the task has no such label; the message suggests the nearest.
        """
        try:
            return self.names.index(name)
        except ValueError:
            raise InputError(
                f"task '{self.name}' has no label '{name}'.{did_you_mean(name, self.names)} "
                f"It has {len(self.names)} labels; `kdsl data check` lists every unknown one."
            ) from None


def load_task(path: Path) -> Task:
    """Read one task file.

    Raises:
        ConfigError: the file is missing, is not YAML, or holds faults (all of them are listed).
    """
    try:
        raw = yaml.load(path.read_text("utf-8"), _Loader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"{path}: cannot be read as a task file: {error}") from error
    try:
        return Task.model_validate(raw)
    except ValidationError as error:
        faults = faults_of(error)
        raise ConfigError(f"{path}: not a valid task file:\n{listed(faults, most=len(faults))}") from error


def task_by_name(tasks: Sequence[Task], name: str) -> Task:
    """The task called `name`.

    Raises:
        InputError: there is none; the message lists what there is.
    """
    for task in tasks:
        if task.name == name:
            return task
    have = [task.name for task in tasks]
    raise InputError(f"no task is called '{name}'; there are: {', '.join(have)}.{did_you_mean(name, have)}")
