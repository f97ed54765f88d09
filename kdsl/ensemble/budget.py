"""`Ledger`: enforces the budget of one sample: model calls, output tokens and parameters (MIRE challenge rules).

A call is booked before it is made, with the maximum number of tokens it may return. If a booking would exceed a
limit, it raises and the call is not made. After the call the entry is settled at the tokens actually returned.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from kdsl.config import BudgetConfig
from kdsl.data.prediction import Spend
from kdsl.errors import BudgetError


@dataclass(slots=True)
class Entry:
    """One booked call. `tokens` is the reservation until `settle` lowers it to the tokens actually returned."""

    role: str
    tokens: int
    served: str = ""
    """By what server it is made; empty for this process."""

    def settle(self, tokens: int) -> None:
        """Replace the reservation by the number of tokens returned, which must not exceed it."""
        if not 0 <= tokens <= self.tokens:
            raise BudgetError(
                f"call '{self.role}' returned {tokens} output tokens after booking {self.tokens}; "
                "book the longest answer the call can give."
            )
        self.tokens = tokens


@dataclass(slots=True)
class Ledger:
    """The booked calls of one sample, checked against its limits."""

    limits: BudgetConfig
    entries: list[Entry] = field(default_factory=list)
    _weights: dict[str, int] = field(default_factory=dict)

    @property
    def spend(self) -> Spend:
        """The total of all bookings so far."""
        tokens = sum(entry.tokens for entry in self.entries)
        return Spend(calls=len(self.entries), output_tokens=tokens, parameters=sum(self._weights.values()))

    def book(self, role: str, tokens: int, weights: Mapping[str, int], served: str = "") -> Entry:
        """Book one call that returns at most `tokens` tokens and uses `weights` (name -> number of parameters).

        Weights with the same name are counted once, however many calls use them; if calls use different shares of
        them, the largest counts.

        Raises:
            BudgetError: the call would exceed a limit; nothing is booked.
        """
        fault = self._fault(tokens, weights)
        if fault:
            raise BudgetError(f"call '{role}' is refused: {fault}.")
        self._weights = self._touched(weights)
        entry = Entry(role, tokens, served)
        self.entries.append(entry)
        return entry

    def allows(self, tokens: int, weights: Mapping[str, int]) -> bool:
        """Whether `book` with these arguments would succeed."""
        return self._fault(tokens, weights) is None

    def _fault(self, tokens: int, weights: Mapping[str, int]) -> str | None:
        spent = self.spend
        parameters = sum(self._touched(weights).values())
        if spent.calls + 1 > self.limits.max_calls:
            return f"{spent.calls} of {self.limits.max_calls} model calls are spent"
        if spent.output_tokens + tokens > self.limits.max_output_tokens:
            return (
                f"{spent.output_tokens} + {tokens} output tokens would pass the limit of "
                f"{self.limits.max_output_tokens}"
            )
        if parameters > self.limits.max_parameters:
            return f"{parameters:,} parameters would pass the limit of {self.limits.max_parameters:,.0f}"
        return None

    def _touched(self, weights: Mapping[str, int]) -> dict[str, int]:
        """All weights used so far and by a call that uses `weights`."""
        return self._weights | {name: max(n, self._weights.get(name, 0)) for name, n in weights.items()}
