"""`Rule`: a condition, the label it votes for, a weight, and optional statistics."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    ValidationInfo,
    WithJsonSchema,
    model_validator,
)

from kdsl.errors import ConfigError
from kdsl.evidence.types import Evidence
from kdsl.rules.grammar import parse
from kdsl.rules.groups import WordGroup
from kdsl.rules.literals import OcrGroup, RuleLiteral, TurnGroup
from kdsl.rules.normalised import NormalisedEvidence
from kdsl.runs import digest


def _literal(value: Any, info: ValidationInfo) -> RuleLiteral:
    if isinstance(value, RuleLiteral):
        return value
    if not isinstance(value, str):
        raise ValueError(f"expected a literal's line, found {value!r}")
    try:
        return parse(value, (info.context or {}).get("groups"))
    except ConfigError as error:
        raise ValueError(str(error)) from None


LiteralLine = Annotated[
    RuleLiteral,
    PlainValidator(_literal),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "string"}),
]
"""A literal, which files contain as its canonical line.

The word groups that lines may name are given as the validation context `{"groups": {name: WordGroup}}`.
"""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class When(_Part):
    """A condition: every literal of `all` holds, at least one of `any` (if there are any), and none of `none`."""

    all: tuple[LiteralLine, ...] = ()
    any: tuple[LiteralLine, ...] = ()
    none: tuple[LiteralLine, ...] = ()

    @model_validator(mode="after")
    def _says_something(self) -> When:
        if not self.all and not self.any:
            raise ValueError("a rule needs a literal under 'all' or 'any': 'none' alone fires on almost anything")
        return self

    @property
    def literals(self) -> tuple[RuleLiteral, ...]:
        """All literals, in the order all, any, none."""
        return self.all + self.any + self.none

    @property
    def groups(self) -> tuple[WordGroup, ...]:
        """The word groups that its literals name."""
        return tuple(literal.group for literal in self.literals if isinstance(literal, OcrGroup | TurnGroup))

    def matches(self, evidence: NormalisedEvidence) -> bool:
        """Whether the condition holds for normalised evidence."""
        return (
            all(literal.matches(evidence) for literal in self.all)
            and (not self.any or any(literal.matches(evidence) for literal in self.any))
            and not any(literal.matches(evidence) for literal in self.none)
        )

    def __str__(self) -> str:
        parts = [str(literal) for literal in self.all]
        if self.any:
            either = " or ".join(str(literal) for literal in self.any)
            parts.append(f"({either})" if len(self.any) > 1 else either)
        parts += [f"not {literal}" for literal in self.none]
        return " and ".join(parts)


class Stats(_Part):
    """Statistics of a rule on labelled samples that its search had not seen."""

    support: int = Field(ge=0)
    """Samples on which it fires."""
    precision: float = Field(ge=0, le=1)
    """Share of those that have its label; 0 if it never fires."""
    interval95: tuple[float, float]
    """Wilson's 95% interval of the precision."""
    recall: float = Field(ge=0, le=1)
    """Share of the label's samples, of those that the search had not seen, on which it fires."""
    fidelity: float | None = Field(None, ge=0, le=1)
    """Share of the samples it fires on for which the small model predicts the rule's label; None if unknown."""
    stability: float | None = Field(None, ge=0, le=1)
    """Share of the folds whose search found this rule or an equivalent one; None if unknown."""
    conflicts: int = Field(ge=0)
    """Samples on which a rule for another label fires too."""


class Origin(_Part):
    """Where a rule comes from: the tree search (with its small model and seed), a person, or a mined rule edited by
    one."""

    how: Literal["mined", "hand", "edited"]
    model: str | None = None
    seed: int | None = None
    edited_from: str | None = None
    """Id that an edited rule had before it was edited; None if unknown."""


class Rule(_Part):
    """A rule. If it fires, `weight` is added to its label's logit; a disabled rule never fires."""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")
    label: str = Field(min_length=1)
    when: When
    weight: float = Field(3.0, ge=0, allow_inf_nan=False)
    stats: Stats | None = None
    origin: Origin = Origin(how="hand")
    enabled: bool = True

    @property
    def says(self) -> tuple[str, ...]:
        """What the rule says, as lines: equal for rules with the same label and condition, whatever the order of
        literals. Groups count by their names."""
        parts = (("all", self.when.all), ("any", self.when.any), ("none", self.when.none))
        return (self.label, *(f"{part} {line}" for part, lines in parts for line in sorted(map(str, lines))))

    def fires(self, evidence: Evidence) -> bool:
        """Whether the rule is enabled and its condition holds."""
        return self.enabled and self.when.matches(NormalisedEvidence.of(evidence))

    @property
    def text(self) -> str:
        """The rule as one English sentence without a full stop."""
        return f"{self.label} if {self.when}"

    def entry(self) -> dict[str, Any]:
        """The rule as plain values, as a file has them, without empty parts and unknown statistics."""
        raw = self.model_dump(mode="json", exclude_none=True)
        raw["when"] = {part: lines for part, lines in raw["when"].items() if lines}
        if self.enabled:
            del raw["enabled"]
        return raw


def mined_id(label: str, when: When) -> str:
    """The id of a mined rule, which comes from what it says.

    So a rule that is mined again from more samples keeps its id, whatever its rank is now, and the file's changes are
    those of the rules.
    """
    said = Rule(id="m", label=label, when=when).says
    return f"m-{digest(*said)[:8]}"


def in_order(rules: Iterable[Rule], labels: Sequence[str]) -> list[Rule]:
    """Rules as a new file lists them: by label in the task's order, then by id.

    Ids stay when rules are mined again, weights do not: by weight, rules that only moved would fill the file's diff.
    """
    place = {label: number for number, label in enumerate(labels)}
    return sorted(rules, key=lambda rule: (place[rule.label], rule.id))
