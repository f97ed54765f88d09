"""A prediction as it is written: one JSON line with a calibrated distribution and how it came about."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from kdsl.ensemble.budget import Spend


@dataclass(frozen=True)
class Prediction:
    """One classified sample.

    `distribution` maps every label to its probability, the likeliest first; `abstained` says that the
    probability is below the bundle's threshold: ask a person. `trace` holds calls, rules that fired,
    snippets, and each expert's weight and vote.
    """

    id: str
    task: str
    label: str
    probability: float
    distribution: dict[str, float]
    abstained: bool
    spend: Spend
    trace: dict[str, Any]
    versions: dict[str, str]

    def to_json(self) -> dict[str, Any]:
        """Plain data for `json.dumps`."""
        return asdict(self)
