"""`Prediction`: one classified sample with its distribution, its cost, and a trace of the computation.

A prediction is written as one JSON line and read back as the same object. A sample that could not be predicted is
written as a `Failure`, in a file of its own.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from kdsl.data.files import BadRow, Row, json_rows
from kdsl.data.parquet import is_parquet, stored_predictions
from kdsl.errors import InputError, did_you_mean, faults_of

SHOWN_RULES = 5
"""Maximum number of rules in an explanation, largest weight first."""

Top = tuple[tuple[str, float], ...]
"""The most likely labels with their probabilities, best first; empty for an abstention."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    def to_json(self) -> dict[str, Any]:
        """Plain values for `json.dumps`."""
        return self.model_dump(mode="json")

    @classmethod
    def from_json(cls, value: Any) -> Self:
        """Read what `to_json` gave; keys that are not known are left alone.

        Raises:
            InputError: a part is missing or of another kind; all such parts are listed.
        """
        try:
            return cls.model_validate(value)
        except ValidationError as error:
            raise InputError(f"is not a {cls.__name__.lower()}: {'; '.join(faults_of(error))}.") from error


class Spend(_Part):
    """The cost of one sample: model calls, output tokens, and parameters of all models used."""

    calls: int = Field(ge=0)
    output_tokens: int = Field(ge=0)
    parameters: int = Field(ge=0)


class CallRecord(_Part):
    """One model call: its role, the tokens of the returned label, and the most likely labels."""

    role: str
    output_tokens: int
    top: Top
    served: str = ""
    """Model, program and version of the server that made it; empty for this process."""


class Vote(_Part):
    """The top labels of one expert, and its weight in the fusion."""

    weight: float
    top: Top


class FiredRule(_Part):
    """A rule that fired, in words."""

    id: str
    label: str
    weight: float
    text: str


class FoundSnippet(_Part):
    """A retrieved document of the knowledge base.

    `score` is its similarity, 0 to 1; `found_by` are the rankers that put it forward, each with its own similarity:
    characters, words, meaning, pictures. `read` says that it stood in the prompt of a model.
    """

    id: str
    label: str | None
    title: str
    source: str
    score: float
    found_by: dict[str, float] = {}
    read: bool = False


class Trace(_Part):
    """How a prediction came about.

    `margin` is the best minus the second probability after call 1; `routed` says that further calls were made.
    `no_evidence` says why the sample was not classified, if it was not: the prediction then is the labels' shares among
    the samples of the fit.
    """

    calls: tuple[CallRecord, ...] = ()
    experts: dict[str, Vote] = {}
    rules: tuple[FiredRule, ...] = ()
    snippets: tuple[FoundSnippet, ...] = ()
    margin: float = 0.0
    routed: bool = False
    no_evidence: str | None = None


class Prediction(_Part):
    """One classified sample.

    `distribution` maps every label to its probability, the likeliest first, given that one of them fits; `in_scope` is
    the probability that one does, and `out_of_scope` says that it is below one half. `abstained` asks for a person:
    `probability` is below the bundle's threshold, or the sample is out of scope, or it tells nothing.
    """

    id: str
    task: str
    label: str
    probability: float
    distribution: dict[str, float]
    abstained: bool
    spend: Spend
    trace: Trace
    versions: dict[str, str]
    in_scope: float | None = Field(None, ge=0, le=1)
    """None where it cannot be told: a bundle without a scope model, a sample without text, a line of kdsl 0.1."""
    out_of_scope: bool = False
    content: str = ""
    """A digest of what it was made of, where the sample came from a file (`kdsl.ensemble.blocks.Job.content_of`)."""

    def explain(self, gold: str | None = None) -> str:
        """The prediction in words: each expert's vote, the rules that fired, the snippets found, what was spent.

        Args:
            gold: the right label, where it is known.
        """
        head = f"sample {self.id}, task {self.task}: {self.label} ({self.probability:.2f})"
        head += f", in scope {self.in_scope:.2f}" if self.in_scope is not None else ""
        reason = self.trace.no_evidence or ("probably no label fits" if self.out_of_scope else "below the threshold")
        head += f", {reason}: ask a person" if self.abstained else ""
        head += f", gold {gold}" if gold is not None else ""
        width = max((len(name) for name in self.trace.experts), default=0)
        lines = [head]
        for name, vote in self.trace.experts.items():
            said = ", ".join(f"{label} {p:.2f}" for label, p in vote.top) or "(abstains)"
            lines.append(f"  {name:<{width}}  weight {vote.weight:.2f}  {said}")
        heaviest = sorted(self.trace.rules, key=lambda rule: -rule.weight)[:SHOWN_RULES]
        lines += [f"  rule {rule.id} (weight {rule.weight:.2f}): {rule.text}" for rule in heaviest]
        for found in self.trace.snippets:
            by = f" by {', '.join(found.found_by)}" if found.found_by else ""
            title = " / ".join(found.title.splitlines())  # of a dialogue, a line per turn
            said = " -> ".join(filter(None, (title, found.label)))
            lines.append(f"  snippet {found.id} ({found.score:.2f}{by}{', read' if found.read else ''}): {said}")
        calls = ", ".join(map(_call_in_words, self.trace.calls)) or "none"
        spend = self.spend
        lines.append(
            f"  model calls: {calls}; {spend.output_tokens} output tokens, {spend.parameters / 1e6:.1f} M parameters"
        )
        return "\n".join(lines)


def _call_in_words(call: CallRecord) -> str:
    by = f", {call.served}" if call.served else ""
    return f"{call.role} ({call.output_tokens} tokens{by})"


class Failure(_Part):
    """A sample that could not be predicted, and why; `task` is None where not even that was known."""

    id: str
    task: str | None
    error: str


def explain_line(pred: Path | IO[bytes], id: str) -> str:
    """How the prediction of one sample came about, in words.

    Args:
        pred: a file of predictions, or a stream of its lines.

    Raises:
        InputError: the file cannot be read, the sample failed, or no line is of this id; the nearest id is named.
    """
    lines = read_predictions(pred) if isinstance(pred, Path) else _parsed(pred)
    ids = []
    for line in lines:
        if line.id == id:
            if isinstance(line, Failure):
                raise InputError(f"sample '{id}' was not predicted: {line.error}")
            return line.explain()
        ids.append(line.id)
    raise InputError(f"none of {len(ids)} predictions is of sample '{id}'.{did_you_mean(id, ids)}")


def _parsed(stream: IO[bytes]) -> Iterator[Prediction | Failure]:
    for number, text in enumerate(stream, 1):
        try:
            value = json.loads(text)
        except ValueError as error:
            raise InputError(f"line {number}: is not valid JSON: {error}") from error
        yield _read(value, f"line {number}")


def bad_file(out: Path) -> Path:
    """Where a run that writes its predictions to `out` sets aside what it could not predict."""
    return out.with_name(f"{out.stem}.bad.jsonl")


def prediction_rows(path: Path) -> Iterator[Row | BadRow]:
    """The lines of a file of predictions, JSON or Parquet, then those that its run has set aside (`bad_file`).

    Raises:
        InputError: the file cannot be read.
    """
    aside = bad_file(path)
    bad = aside.is_file() and aside.stat().st_size > 0
    if is_parquet(path):
        yield from (Row(f"row {number}", line) for number, line in enumerate(stored_predictions(path), 1))
    elif not (bad and path.is_file() and path.stat().st_size == 0):  # every row was set aside
        yield from json_rows(path)
    for row in json_rows(aside) if bad else ():
        where = f"{row.where} of {aside.name}"
        if isinstance(row, BadRow):
            yield BadRow(where, row.message)
        elif isinstance(row.value, dict) and {"id", "where", "error"} <= row.value.keys():
            # a row without an id, or without one of its own, is called by its place
            yield Row(where, row.value | {"id": row.value["id"] or row.value["where"]})


def read_predictions(path: Path) -> Iterator[Prediction | Failure]:
    """The predictions and failures of a file, line by line, and of what its run has set aside.

    Raises:
        InputError: the file cannot be read, or a line is neither; the message says which line.
    """
    for row in prediction_rows(path):
        if isinstance(row, BadRow):
            raise InputError(f"{path}, {row.where}: {row.message}")
        yield _read(row.value, f"{path}, {row.where}")


def _read(value: Any, where: str) -> Prediction | Failure:
    failed = isinstance(value, dict) and "error" in value
    try:
        return Failure.from_json(value) if failed else Prediction.from_json(value)
    except InputError as error:
        raise InputError(f"{where}: {error}") from error
