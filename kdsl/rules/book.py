"""`RuleBook`: the rules of one task, stored in a YAML file that people can edit; it scores samples."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator, model_validator

from kdsl.errors import ConfigError, InputError, did_you_mean, fault_message
from kdsl.evidence.types import Evidence
from kdsl.files import atomic_write
from kdsl.resources import resource
from kdsl.rules.groups import WordGroup, merged, read_groups
from kdsl.rules.normalised import NormalisedEvidence
from kdsl.rules.rule import Rule
from kdsl.tasks import Task
from kdsl.yaml_files import Loader, read_text

if TYPE_CHECKING:
    import numpy as np

    from kdsl.rules.engine import Conditions

SCHEMA = 1
"""Version of the file format; a file without one has version 1."""

_HEADER = """\
# Rules of the task '{task}', one vote each: the weights of the rules that fire are added to their labels' biases,
# and a softmax over the labels makes probabilities of the sums. If no rule fires the book abstains.
# Edit freely: set `enabled: false`, change a weight, a literal or its text, add a rule (docs/rules.md lists the
# forms a literal can have), then mark it `origin: {{how: edited}}`. `kdsl rules list` checks the file.
"""


class RuleBook(BaseModel):
    """The rules of one task with a closed list of labels.

    The score of a label is a softmax over: its bias plus the weights of the rules for it that fire.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    task: str = Field(min_length=1)
    labels: tuple[str, ...] = Field(min_length=2)
    bias: dict[str, Annotated[float, Field(allow_inf_nan=False)]] = Field(default_factory=dict)
    """Logit of a label when no rule votes for it; 0 by default."""
    without_rules: dict[str, str] = Field(default_factory=dict)
    """Label -> why distillation found no rule for it."""
    rules: tuple[Rule, ...] = ()
    groups: dict[str, tuple[str, ...]] = Field(default_factory=dict, validate_default=True)
    """Word groups that literals may name: name -> words, in normal form. Those that the rules hold are added."""

    @field_validator("labels")
    @classmethod
    def _distinct(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if twice := [name for name in dict.fromkeys(value) if value.count(name) > 1]:
            raise ValueError(f"labels stand twice: {', '.join(twice)}")
        return value

    @field_validator("groups", mode="before")
    @classmethod
    def _read_groups(cls, value: Any) -> dict[str, tuple[str, ...]]:
        groups, faults = read_groups(value)
        if faults:
            raise ValueError("\n".join(faults))
        return {group.name: group.words for group in groups.values() if group}

    @field_validator("groups")
    @classmethod
    def _add_groups(cls, value: dict[str, tuple[str, ...]], info: ValidationInfo) -> dict[str, tuple[str, ...]]:
        groups, faults = merged(
            [WordGroup(name, words) for name, words in value.items()],
            [group for rule in info.data.get("rules", ()) for group in rule.when.groups],
        )
        if faults:
            raise ValueError("\n".join(faults))
        return {group.name: group.words for group in groups.values()}

    @model_validator(mode="after")
    def _consistent(self) -> RuleBook:
        faults = [
            f"{part}: no label is called '{name}'.{did_you_mean(name, self.labels)}"
            for part, named in (("bias", self.bias), ("without_rules", self.without_rules))
            for name in named
            if name not in self.labels
        ]
        faults += [
            f"rule '{rule.id}': no label is called '{rule.label}'.{did_you_mean(rule.label, self.labels)}"
            for rule in self.rules
            if rule.label not in self.labels
        ]
        ids = [rule.id for rule in self.rules]
        faults += [
            f"rule '{name}': the id stands {ids.count(name)} times"
            for name in dict.fromkeys(ids)
            if ids.count(name) > 1
        ]
        if faults:
            raise ValueError("\n".join(faults))
        return self

    @classmethod
    def load(cls, path: str | Path) -> RuleBook:
        """Read a rule book.

        Raises:
            ConfigError: the file cannot be read, or has faults (one line per fault, with the rule's id).
        """
        return cls.parse(read_text(Path(path), "a rule book"), path)

    @classmethod
    def load_for(cls, task: Task, path: Path) -> RuleBook:
        """Read the rule book of a task.

        Raises:
            ConfigError: as for `load`; or the book is for another task or other labels.
        """
        book = cls.load(path)
        try:
            book.check(task)
        except ConfigError as error:
            raise ConfigError(f"{path}: {error}") from error
        return book

    @classmethod
    def parse(cls, text: str, path: str | Path) -> RuleBook:
        """Read a rule book from the text of a file; `path` is for messages.

        Raises:
            ConfigError: it has faults (one line per fault, with the rule's id), or a newer format.
        """
        try:
            raw = yaml.load(text, Loader=Loader)  # a safe loader
        except (yaml.YAMLError, RecursionError) as error:
            raise ConfigError(f"{path}: cannot be read as a rule book: {error}") from error
        if not isinstance(raw, dict):
            raise ConfigError(f"{path}: expected a rule book (task, labels, rules), found {type(raw).__name__}")
        faults: list[str] = []
        schema = raw.pop("schema", SCHEMA)
        if isinstance(schema, int) and schema > SCHEMA:
            raise ConfigError(
                f"{path}: this rule book has schema {schema}, and this version of kdsl knows schema {SCHEMA} and older "
                "ones. Update kdsl, or ask for the book to be written by this version."
            )
        if type(schema) is not int or schema < 1:
            faults.append(f"schema: expected a version number (now {SCHEMA}), found {schema!r}")
        rules: list[Rule] = []
        groups, _ = read_groups(raw.get("groups"))  # its faults are those of the whole book, below
        listed = raw.get("rules")
        if listed is not None and not isinstance(listed, list):
            faults.append(f"rules: expected a list, found {type(listed).__name__}")
            listed = []
        for number, entry in enumerate(listed or (), 1):
            name = entry.get("id", f"number {number}") if isinstance(entry, dict) else f"number {number}"
            try:
                rules.append(Rule.model_validate(entry, context={"groups": groups}))
            except ValidationError as error:
                faults += [f"rule '{name}': {fault}" for fault in _lines(error)]
        try:
            book = cls.model_validate({**raw, "rules": rules})
        except ValidationError as error:
            faults += _lines(error)
        if faults:
            listed_faults = "\n".join(f"  - {fault}" for fault in faults)
            raise ConfigError(f"{path}: {len(faults)} fault(s) in this rule book:\n{listed_faults}")
        return book

    def save(self, path: str | Path) -> None:
        """Write the book as a new YAML file, from which `load` restores an equal book; the write is atomic.

        To change a file that people have edited, use `kdsl.rules.book_file.BookFile`: it keeps their comments.
        """
        atomic_write(Path(path), self.text())

    def text(self) -> str:
        """The book as the text of a new file."""
        raw = {"schema": SCHEMA, **self.entries()}
        text = yaml.safe_dump(raw, sort_keys=False, allow_unicode=True, width=160, default_flow_style=False)
        return _HEADER.format(task=self.task) + text

    def entries(self) -> dict[str, Any]:
        """The book as plain values, as a file has them, without empty parts."""
        raw = self.model_dump(mode="json", exclude={"rules", "groups"})
        if not self.without_rules:
            del raw["without_rules"]
        if self.groups:
            raw["groups"] = {name: list(words) for name, words in self.groups.items()}
        return {**raw, "rules": [rule.entry() for rule in self.rules]}

    def with_rules(self, rules: Iterable[Rule]) -> RuleBook:
        """This book with other rules. Groups that they name are added, and no group is removed.

        Raises:
            InputError: an id stands twice, a label is not one of the book's, or a group has other words here.
        """
        return self._with(rules=tuple(rules))

    def with_groups(self, groups: Mapping[str, Iterable[str]]) -> RuleBook:
        """This book with other word groups, whose words the rules that name them have from then on.

        Raises:
            InputError: a rule names a group that is not among them, or a group has faults.
        """
        read, faults = read_groups({name: tuple(words) for name, words in groups.items()})
        if faults:
            raise InputError("\n".join(faults))
        context = {"groups": read}
        try:
            rules = [Rule.model_validate(r.entry(), context=context) if r.when.groups else r for r in self.rules]
        except ValidationError as error:
            raise InputError("\n".join(_lines(error))) from None
        return self._with(rules=tuple(rules), groups={name: tuple(words) for name, words in groups.items()})

    def _with(self, **parts: Any) -> RuleBook:
        try:
            return RuleBook(**{**dict(self), **parts})
        except ValidationError as error:
            raise InputError("\n".join(_lines(error))) from None

    def check(self, task: Task) -> None:
        """Check that the book is for this task and its labels, in this order.

        Raises:
            ConfigError: it is not; the message says what differs.
        """
        if self.task != task.name:
            raise ConfigError(f"the rule book is for task '{self.task}', not for '{task.name}'")
        if self.labels != task.names:
            odd = sorted(set(self.labels) ^ set(task.names))
            what = f"these differ: {', '.join(odd)}" if odd else "their order differs"
            raise ConfigError(f"the rule book's labels are not those of task '{task.name}': {what}")

    def scores(self, evidences: Sequence[Evidence]) -> np.ndarray:
        """Log-probabilities of the labels [n, m]; a row is NaN (abstention) if no enabled rule fires."""
        import numpy as np

        from kdsl.scores import log_softmax

        _, compiled, votes = self._compiled
        fires = compiled.matrix([NormalisedEvidence.of(evidence) for evidence in evidences])
        logits = fires @ votes + np.array([self.bias.get(name, 0.0) for name in self.labels])
        scores = log_softmax(logits)
        scores[~fires.any(axis=1)] = np.nan
        return scores

    def fired(self, evidence: Evidence) -> list[Rule]:
        """The enabled rules that fire, largest weight first."""
        active, compiled, _ = self._compiled
        held = compiled.bits([NormalisedEvidence.of(evidence)])
        return sorted((rule for rule, holds in zip(active, held, strict=True) if holds), key=lambda rule: -rule.weight)

    @cached_property
    def _compiled(self) -> tuple[list[Rule], Conditions, np.ndarray]:
        """The enabled rules, their conditions, and their votes [r, m]."""
        from kdsl.rules.engine import Conditions, vote_matrix

        active = [rule for rule in self.rules if rule.enabled]
        return active, Conditions([rule.when for rule in active]), vote_matrix(active, self.labels)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        copied = super().model_copy(update=update, deep=deep)
        copied.__dict__.pop("_compiled", None)  # its rules may be others
        return copied


def _lines(error: ValidationError) -> list[str]:
    lines = []
    for fault in error.errors():
        where = ".".join(str(part) for part in fault["loc"])
        lines += [f"{where}: {line}" if where else line for line in fault_message(fault).split("\n")]
    return lines


def shipped_books() -> dict[str, Path]:
    """The rule books that ship with kdsl: task name -> file."""
    return {path.stem: path for path in sorted(resource("rules").glob("*.yaml"))}


def shipped_rules(task: Task) -> tuple[Rule, ...]:
    """The rules that ship with kdsl for this task; none for a user's own task or other labels."""
    path = shipped_books().get(task.name)
    if path is None:
        return ()
    book = RuleBook.load(path)
    return book.rules if set(book.labels) <= set(task.names) else ()


def find_rule(books: Iterable[RuleBook], name: str) -> tuple[RuleBook, Rule]:
    """The rule with an id; `task/id` names it if two books have a rule with that id.

    Raises:
        InputError: there is none, or several books have it.
    """
    books = list(books)
    task, _, rule_id = name.rpartition("/")
    found = [(b, r) for b in books for r in b.rules if r.id == rule_id and task in ("", b.task)]
    if not found:
        known = [rule.id for book in books for rule in book.rules]
        raise InputError(f"no rule is called '{name}'.{did_you_mean(rule_id, known)} `kdsl rules list` lists all.")
    if len(found) > 1:
        raise InputError(f"several books have '{name}': {', '.join(f'{b.task}/{r.id}' for b, r in found)}")
    return found[0]
