"""No order of bookings can pass a limit."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kdsl.config import BudgetConfig
from kdsl.ensemble.budget import Ledger
from kdsl.errors import BudgetError

SEVEN = {"qwen2-vl-7b": 8_290_000_000}
TWO = {"qwen2-vl-2b": 2_210_000_000}


def test_seven_and_two_billion_together_are_refused_and_nothing_is_booked() -> None:
    ledger = Ledger(BudgetConfig())
    ledger.book("large", 5, SEVEN)
    assert not ledger.allows(5, TWO)
    with pytest.raises(BudgetError, match=r"10,500,000,000 parameters .* 10,000,000,000"):
        ledger.book("small", 5, TWO)
    assert ledger.spend.calls == 1
    ledger.book("large again", 5, SEVEN)  # the same weights count once
    assert ledger.spend.parameters == 8_290_000_000


def test_the_fourth_call_is_refused() -> None:
    ledger = Ledger(BudgetConfig())
    for _ in range(3):
        ledger.book("large", 1, SEVEN)
    with pytest.raises(BudgetError, match="3 of 3 model calls"):
        ledger.book("large", 1, SEVEN)


def test_a_call_cannot_return_more_than_it_booked() -> None:
    entry = Ledger(BudgetConfig()).book("large", 5, SEVEN)
    entry.settle(3)
    with pytest.raises(BudgetError, match="returned 4 output tokens after booking 3"):
        entry.settle(4)


@given(
    st.lists(
        st.tuples(
            st.integers(0, 120),
            st.dictionaries(st.sampled_from("abc"), st.integers(0, 7 * 10**9)),
            st.floats(0, 1),
        )
    )
)
def test_no_sequence_of_calls_passes_the_limits(
    calls: list[tuple[int, dict[str, int], float]],
) -> None:
    limits = BudgetConfig()
    ledger = Ledger(limits)
    for tokens, weights, share in calls:
        before = ledger.spend
        if ledger.allows(tokens, weights):
            ledger.book("call", tokens, weights).settle(int(tokens * share))
        else:
            with pytest.raises(BudgetError):
                ledger.book("call", tokens, weights)
            assert ledger.spend == before
        spend = ledger.spend
        assert spend.calls <= limits.max_calls
        assert spend.output_tokens <= limits.max_output_tokens
        assert spend.parameters <= limits.max_parameters
