"""`Ledger`: the budget of one sample, kept in one place: calls, output tokens, parameters (MIRE challenge rules).

A call is booked before it is made, with the most tokens it may return; a booking that would pass a
limit raises and the call does not happen. After the call the entry is settled at what was returned.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from kdsl.config import BudgetConfig
from kdsl.data.prediction import Spend
from kdsl.errors import BudgetError


@dataclass(slots=True)
class Entry:
    """One booked call. `tokens` is the reservation until `settle` lowers it to what was returned."""

    role: str
    tokens: int

    def settle(self, tokens: int) -> None:
        """Replace the reservation by the tokens that were returned, never by more."""
        if not 0 <= tokens <= self.tokens:
            raise BudgetError(
                f"call '{self.role}' returned {tokens} output tokens after booking {self.tokens}; "
                "book the longest answer the call can give."
            )
        self.tokens = tokens


@dataclass(slots=True)
class Ledger:
    """The bookings of one sample against its limits."""

    limits: BudgetConfig
    entries: list[Entry] = field(default_factory=list)
    _weights: dict[str, int] = field(default_factory=dict)

    @property
    def spend(self) -> Spend:
        """What is booked so far."""
        tokens = sum(entry.tokens for entry in self.entries)
        return Spend(calls=len(self.entries), output_tokens=tokens, parameters=sum(self._weights.values()))

    def book(self, role: str, tokens: int, weights: Mapping[str, int]) -> Entry:
        """Reserve one call that returns at most `tokens` and touches `weights` (name -> parameters).

        Weights with one name are counted once, however many calls touch them; where calls touch unlike shares
        of them, the largest counts.

        Raises:
            BudgetError: the call would pass a limit; nothing is booked.
        """
        fault = self._fault(tokens, weights)
        if fault:
            raise BudgetError(f"call '{role}' is refused: {fault}.")
        self._weights = self._touched(weights)
        entry = Entry(role, tokens)
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
        """All weights touched once a call touches `weights` too."""
        return self._weights | {name: max(n, self._weights.get(name, 0)) for name, n in weights.items()}
