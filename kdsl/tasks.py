"""`Task`: a name, the kind of input, the labels with descriptions, and the question that models are asked.

Tasks are YAML files (configs/tasks/*.yaml), so users can replace the labels with their own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator

from kdsl.errors import ConfigError, InputError, did_you_mean, faults_of
from kdsl.runs import listed
from kdsl.yaml_files import StrictKeys, read_text


class _Unquoted(str):
    """An unquoted scalar that YAML would not read as a string; `kind` says what YAML would read it as."""

    kind: str


class _Loader(StrictKeys, yaml.SafeLoader):
    """A YAML loader for task files, whose values are all strings: booleans, numbers and dates stay strings."""


def _unquoted(kind: str) -> Callable[[_Loader, yaml.ScalarNode], _Unquoted]:
    def construct(_: _Loader, node: yaml.ScalarNode) -> _Unquoted:
        text = _Unquoted(node.value)
        text.kind = kind
        return text

    return construct


for _tag, _kind in (("bool", "true or false"), ("int", "a number"), ("float", "a number"), ("timestamp", "a date")):
    _Loader.add_constructor(f"tag:yaml.org,2002:{_tag}", _unquoted(_kind))


class Label(BaseModel):
    """One label: `name` appears in predictions; a description says what distinguishes it from similar labels."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1)
    description: str = ""
    """In any language; empty if there is none."""
    zh: str = ""
    """A description in Chinese, for tasks that have both."""
    en: str = ""
    """A description in English, for tasks that have both."""
    hint: str = ""
    """What the data call by this name, though nobody would guess it. A large model reads it beside the name, where
    `prompt.list_labels` lists names; it is no description, which experts take for a sample of the label."""

    @property
    def descriptions(self) -> tuple[str, ...]:
        """The descriptions that were given; may be empty."""
        return tuple(dict.fromkeys(text for text in (self.description, self.zh, self.en) if text))

    @property
    def texts(self) -> tuple[str, ...]:
        """What the label is called, in words (`LATE_PARCEL` and `LateParcel` are two), and what it is described as."""
        words = re.sub(r"(?<=[a-z]{2})(?=[A-Z])", " ", self.name.replace("_", " "))
        return tuple(dict.fromkeys((words, *self.descriptions)))

    @field_validator("description", "zh", "en", "hint", mode="before")
    @classmethod
    def _written(cls, text: Any) -> Any:
        return "" if text is None else text  # `description:` with nothing behind it, as `kdsl tasks init` writes it

    @field_validator("name", mode="before")
    @classmethod
    def _quoted(cls, name: Any) -> Any:
        if isinstance(name, _Unquoted):
            raise ValueError(f'YAML reads {name} as {name.kind}; put it in quotes: name: "{name}"')
        if name is None:
            raise ValueError('is empty (YAML reads null and ~ as nothing); write a text, in quotes: name: "..."')
        return name


class SpeakerNames(BaseModel):
    """Names of speakers, by role."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    user: tuple[str, ...] = ()
    agent: tuple[str, ...] = ()


class Task(BaseModel):
    """A classification task with a closed list of labels."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[a-z][a-z0-9_-]*$")
    """Identifier, used in file names and in every prediction."""
    input: Literal["picture", "dialogue"]
    """What a sample of this task is: only pictures, or a dialogue with its pictures."""
    prompt: str = Field(min_length=1)
    """The question, which follows the pictures, their text and the dialogue in the prompt."""
    labels: tuple[Label, ...]
    speakers: SpeakerNames = SpeakerNames()
    """Names that start a turn in this shop's dialogues, in addition to the usual ones (`kdsl.data.speakers`)."""
    out_of_scope: str | None = Field(None, min_length=1)
    """What the data write in place of a label where none of `labels` fits; it is never predicted as a label."""

    @field_validator("labels")
    @classmethod
    def _distinct(cls, labels: tuple[Label, ...]) -> tuple[Label, ...]:
        if len(labels) < 2:  # not as `min_length` of the field: there a faulty label would count as missing
            raise ValueError(f"expected two labels at least, found {len(labels)}")
        names = [label.name for label in labels]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"labels stand twice: {', '.join(twice)}")
        return labels

    @field_validator("out_of_scope")
    @classmethod
    def _no_label(cls, name: str | None, info: ValidationInfo) -> str | None:
        if name in {label.name for label in info.data.get("labels", ())}:
            raise ValueError(f"'{name}' stands among the labels too; leave it out there")
        return name

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the labels, in the order of the columns of every score matrix [n, m]."""
        return tuple(label.name for label in self.labels)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """See pydantic; `names` is computed again, because the copy may have other labels."""
        copy = super().model_copy(update=update, deep=deep)
        copy.__dict__.pop("names", None)
        return copy

    def index(self, name: str) -> int:
        """The column of a label.

        Raises:
            InputError: the task has no such label; the message suggests the closest one.
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
        ConfigError: the file is missing, is not YAML, or has errors (all of them are listed).
    """
    try:
        raw = yaml.load(read_text(path, "a task file"), _Loader)
    except (yaml.YAMLError, RecursionError) as error:
        raise ConfigError(f"{path}: cannot be read as a task file: {error}") from error
    try:
        return Task.model_validate(raw)
    except ValidationError as error:
        faults = faults_of(error)
        raise ConfigError(f"{path}: not a valid task file:\n{listed(faults, most=len(faults))}") from error


def task_by_name(tasks: Sequence[Task], name: str) -> Task:
    """The task with the name `name`.

    Raises:
        InputError: there is none; the message lists the names that exist.
    """
    for task in tasks:
        if task.name == name:
            return task
    have = [task.name for task in tasks]
    raise InputError(f"no task is called '{name}'; there are: {', '.join(have)}.{did_you_mean(name, have)}")
