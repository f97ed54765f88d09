"""What a run remembers of a file's rows and of its output, on disk."""

from __future__ import annotations

import pytest

from kdsl.data.ids import Ids, IdsInMemory
from kdsl.data.register import Register


@pytest.mark.parametrize("made", [IdsInMemory, Register])
def test_an_id_is_the_first_ones(made: type[Ids]) -> None:
    ids = made()
    assert ids.claim("a", "line 1") is None
    assert ids.claim("退款", "line 2") is None
    assert ids.claim("a", "line 3") == "line 1"
    assert ids.claim("a", "line 4") == "line 1"
    assert ids.claim("\ud800", "line 5") is None
    assert [ids.copies("content-1"), ids.copies("content-1"), ids.copies("content-2")] == [1, 2, 1]


def test_lines_come_in_the_order_of_the_rows_without_what_is_outdated() -> None:
    with Register() as register:
        for place, id in enumerate("abc", 1):
            register.claim(id, f"line {place}")
        assert not register.add_line("c", 0, 10, "1")
        assert not register.add_line("other", 10, 5, "1")
        assert not register.add_line("b", 15, 7, "1")
        assert register.add_line("c", 22, 8, "2")
        assert register.line("c") == (22, "2")
        assert register.line("a") is None
        assert list(register.in_order()) == [(10, 5), (15, 7), (22, 8)]
        register.outdate(15)
        register.forget_lines()
        assert register.line("c") is None
        register.add_line("b", 15, 7, "1")
        register.add_line("a", 30, 9, "1")
        assert list(register.in_order()) == [(30, 9)]
