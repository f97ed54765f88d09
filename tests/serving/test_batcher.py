"""The batcher: whatever comes in whatever order, each gets its own answer, once, and bounds hold."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Sequence
from time import monotonic
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kdsl.serving.batcher import Answer, Batcher, Bounds, Closed, Cost, Expired, Overloaded

WIDE = Bounds(items=64, tokens=10**9, pixels=10**9)
FAR = 600.0
ONE = Cost(1, 0)


def run(work: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(work)


class Model:
    """Doubles numbers, refuses some, and remembers its batches; `gate` holds it up until it is set."""

    def __init__(self, bad: Sequence[int] = ()) -> None:
        self.bad = set(bad)
        self.batches: list[list[int]] = []
        self.gate = threading.Event()
        self.gate.set()
        self.started = threading.Event()

    def __call__(self, items: Sequence[int]) -> list[int]:
        self.started.set()
        assert self.gate.wait(60)
        self.batches.append(list(items))
        if wrong := self.bad.intersection(items):
            raise ValueError(f"cannot double {min(wrong)}")
        return [2 * item for item in items]


async def ask(batcher: Batcher[int, int], item: int, cost: Cost = ONE, seconds: float = FAR) -> Answer[int]:
    with batcher.admission(1):
        return await batcher.submit(item, cost, monotonic() + seconds)


async def held(model: Model, batcher: Batcher[int, int], item: int = -1) -> asyncio.Task[Answer[int]]:
    """A first item that the model is busy with until its gate opens."""
    model.gate.clear()
    model.started.clear()
    first = asyncio.create_task(ask(batcher, item))
    await asyncio.to_thread(model.started.wait, 60)
    return first


@given(
    costs=st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), min_size=1, max_size=40),
    bad=st.sets(st.integers(0, 39), max_size=6),
    bounds=st.builds(Bounds, items=st.integers(1, 9), tokens=st.integers(1, 80), pixels=st.integers(1, 80)),
)
def test_each_gets_its_own_answer_and_no_batch_is_too_large(
    costs: list[tuple[int, int]], bad: set[int], bounds: Bounds
) -> None:
    model = Model(bad=sorted(bad))

    async def work() -> list[Any]:
        batcher = Batcher(model, bounds, most=64)
        first = await held(model, batcher)
        rest = [asyncio.create_task(ask(batcher, n, Cost(*cost))) for n, cost in enumerate(costs)]
        await asyncio.sleep(0)
        model.gate.set()
        found = await asyncio.gather(*rest, return_exceptions=True)
        await first
        await batcher.close()
        return found

    found = run(work())
    for number, answer in enumerate(found):
        if number in bad:
            assert isinstance(answer, ValueError)
            assert str(answer) == f"cannot double {number}"
        else:
            assert answer.value == 2 * number
            assert 1 <= answer.together <= bounds.items
    for batch in model.batches[1:]:
        assert len(batch) <= bounds.items
        if len(batch) > 1:
            assert sum(costs[n][0] for n in batch) <= bounds.tokens
            assert sum(costs[n][1] for n in batch) <= bounds.pixels
    good = [n for batch in model.batches[1:] if not bad.intersection(batch) for n in batch]
    assert sorted(good) == [n for n in range(len(costs)) if n not in bad]
    firsts = [batch[0] for batch in model.batches[1:] if len(batch) > 1]
    assert firsts == sorted(firsts)


def test_what_gathers_while_the_model_works_goes_together() -> None:
    model = Model()

    async def work() -> list[Answer[int]]:
        batcher = Batcher(model, WIDE, most=64)
        first = await held(model, batcher)
        rest = [asyncio.create_task(ask(batcher, n)) for n in range(20)]
        await asyncio.sleep(0)
        assert batcher.depth == 20
        model.gate.set()
        return [await first, *await asyncio.gather(*rest)]

    found = run(work())
    assert model.batches == [[-1], list(range(20))]
    assert [answer.together for answer in found] == [1] + [20] * 20
    assert all(answer.waited > 0 for answer in found[1:])


def test_who_left_is_not_predicted() -> None:
    model = Model()

    async def work() -> None:
        batcher = Batcher(model, WIDE, most=64)
        first = await held(model, batcher)
        staying, leaving = (asyncio.create_task(ask(batcher, n)) for n in (1, 2))
        await asyncio.sleep(0)
        leaving.cancel()
        await asyncio.wait([leaving])
        assert (batcher.depth, batcher.admitted) == (1, 2)
        model.gate.set()
        assert (await staying).value == 2
        await first

    run(work())
    assert model.batches == [[-1], [1]]


def test_whose_deadline_passed_is_not_predicted() -> None:
    model = Model()

    async def work() -> None:
        batcher = Batcher(model, WIDE, most=64)
        first = await held(model, batcher)
        with pytest.raises(Expired):
            await ask(batcher, 1, seconds=0.01)
        with pytest.raises(Expired):
            await ask(batcher, 2, seconds=-1)
        model.gate.set()
        assert (await ask(batcher, 3)).value == 6
        await first

    run(work())
    assert [n for batch in model.batches for n in batch] == [-1, 3]


def test_a_full_queue_says_when_to_come_again() -> None:
    model = Model()

    async def work() -> None:
        batcher = Batcher(model, WIDE, most=3)
        first = await held(model, batcher)
        with batcher.admission(2), pytest.raises(Overloaded) as refused, batcher.admission(1):
            pass
        assert refused.value.retry_after >= 1
        model.gate.set()
        await first
        with batcher.admission(3):
            pass

    run(work())


def test_a_model_that_takes_a_minute_does_not_send_clients_away_for_an_hour() -> None:
    async def work() -> int:
        batcher = Batcher(Model(), WIDE, most=100)
        batcher._seconds = 60.0
        with batcher.admission(100):
            try:
                with batcher.admission(1):
                    return 0
            except Overloaded as error:
                return error.retry_after

    assert run(work()) == 60


def test_closing_answers_what_was_admitted() -> None:
    model = Model()

    async def work() -> tuple[int, ...]:
        batcher = Batcher(model, WIDE, most=64)
        first = await held(model, batcher)
        waiting = asyncio.create_task(ask(batcher, 5))
        await asyncio.sleep(0)
        closing = asyncio.create_task(batcher.close())
        await asyncio.sleep(0)
        with pytest.raises(Closed):
            await ask(batcher, 6)
        model.gate.set()
        await closing
        return (await first).value, (await waiting).value

    assert run(work()) == (-2, 10)


def test_the_fault_of_one_reaches_only_that_one_if_it_ends_the_batch_twice() -> None:
    model = Model(bad=[3])

    async def work() -> list[Any]:
        batcher = Batcher(model, WIDE, most=64)
        first = await held(model, batcher)
        rest = [asyncio.create_task(ask(batcher, n)) for n in range(5)]
        await asyncio.sleep(0)
        model.gate.set()
        await first
        return await asyncio.gather(*rest, return_exceptions=True)

    found = run(work())
    assert [answer.value for answer in found if isinstance(answer, Answer)] == [0, 2, 4, 8]
    assert isinstance(found[3], ValueError)
    assert model.batches == [[-1], [0, 1, 2, 3, 4], [0], [1], [2], [3], [4]]


def test_closing_does_not_hold_others_up_while_the_model_works_for_nobody() -> None:
    model = Model()

    async def work() -> bool:
        batcher = Batcher(model, WIDE, most=64)
        first = await held(model, batcher)
        first.cancel()
        closing = asyncio.create_task(batcher.close())
        while batcher.admitted:
            await asyncio.sleep(0)
        asyncio.get_running_loop().call_later(0.05, model.gate.set)
        await closing
        return model.gate.is_set()

    assert run(work())
    assert model.batches == [[-1]]  # the gate opened before the model gave up
