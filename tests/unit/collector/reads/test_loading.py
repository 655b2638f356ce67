"""Loading: one question of a partition at a time, who comes meanwhile is in the next one, and failures reach all."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from streams.collector.reads import loading
from streams.collector.reads.errors import AwayError, BehindError, CostlyError
from streams.collector.reads.known import RENEW_SECONDS, Known
from streams.collector.reads.loading import MOST_USERS, Clocks, Loading
from streams.collector.reads.tail import Tail
from streams.collector.reads.timeline import Rows, Timeline
from streams.core.partitioner import partition_of
from tests.support.reads import NOW, Answers, row, turn

NONE = Rows([], False)
PARTITIONS = 2
AT_HOME = [user for n in range(300) if partition_of(user := f"u{n}", PARTITIONS) == 0]
ELSEWHERE = next(user for n in range(300) if partition_of(user := f"u{n}", PARTITIONS) == 1)


class Loaded:
    """A loading of timelines with all that it needs."""

    def __init__(self) -> None:
        self.answers = Answers()
        self.tail = Tail(1 << 20)
        self.tail.begin(dict.fromkeys(range(PARTITIONS), 0))
        self.known: Known[Timeline] = Known(Timeline, 1 << 20)
        self.tail.listener = self.known.add
        self.now = 1_000.0
        clocks = Clocks(lambda: NOW, lambda: self.now)
        self.loading = Loading(self.known, self.tail, self.answers, NONE, clocks)
        self.loading.begin(PARTITIONS)

    def get(self, user_id: str) -> "asyncio.Task[Timeline]":
        return asyncio.ensure_future(self.loading.get(user_id))


def run(test: Callable[[Loaded], Awaitable[None]]) -> None:
    async def within() -> None:
        await test(Loaded())

    asyncio.run(within())


def test_who_comes_while_a_question_is_open_is_in_the_next_one() -> None:
    async def test(it: Loaded) -> None:
        first = it.get(AT_HOME[0])
        await turn()
        others = [it.get(user_id) for user_id in AT_HOME[1:4]]
        elsewhere = it.get(ELSEWHERE)
        again = it.get(AT_HOME[0])
        await turn()
        assert it.answers.asked == [(0, AT_HOME[:1]), (1, [ELSEWHERE])]
        it.answers.let(**{AT_HOME[0]: Rows([row(AT_HOME[0], 1)], False)})
        await turn()
        assert (await first).below(None, 5) == (await again).below(None, 5) == [row(AT_HOME[0], 1)]
        assert it.answers.asked[2:] == [(0, AT_HOME[1:4])]
        it.answers.let()
        it.answers.let()
        assert [(await each).below(None, 5) for each in (*others, elsewhere)] == [[]] * 4
        assert await it.loading.get(AT_HOME[0]) is await first
        assert len(it.answers.asked) == 3

    run(test)


def test_a_question_is_for_so_many_users_at_most() -> None:
    async def test(it: Loaded) -> None:
        tasks = [it.get(user_id) for user_id in AT_HOME[: MOST_USERS + 1]]
        await turn()
        it.answers.let()
        await turn()
        it.answers.let()
        await asyncio.gather(*tasks)
        assert [len(users) for _, users in it.answers.asked] == [MOST_USERS, 1]

    run(test)


def test_rows_that_come_while_the_question_is_open_are_in_the_answer() -> None:
    async def test(it: Loaded) -> None:
        user_id = AT_HOME[0]
        it.tail.append(0, 0, [row(user_id, 1)])
        task = it.get(user_id)
        await turn()
        it.tail.append(0, 1, [row(user_id, 2)])
        it.tail.forget({0: 2})
        it.answers.let()
        assert (await task).below(None, 5) == [row(user_id, 2), row(user_id, 1)]
        it.tail.append(0, 2, [row(user_id, 3)])
        assert (await it.loading.get(user_id)).below(None, 1) == [row(user_id, 3)]

    run(test)


def test_a_failure_reaches_those_of_the_question_and_the_next_one_is_put() -> None:
    async def test(it: Loaded) -> None:
        first = it.get(AT_HOME[0])
        await turn()
        second = it.get(AT_HOME[1])
        await turn()
        it.answers.fail("gone")
        with pytest.raises(AwayError, match="gone"):
            await first
        await turn()
        it.answers.let()
        await second
        assert it.known.last(AT_HOME[0]) is None

    run(test)


def test_users_of_a_question_that_was_too_much_are_asked_for_alone_and_beside_the_others() -> None:
    async def test(it: Loaded) -> None:
        slow, *others = AT_HOME[:3]
        tasks = [it.get(user_id) for user_id in (slow, *others)]
        await turn()
        it.answers.fail("too much", CostlyError)
        assert [type(each) for each in await asyncio.gather(*tasks, return_exceptions=True)] == [CostlyError] * 3
        tasks = [it.get(user_id) for user_id in (slow, *others, *AT_HOME[3:5])]
        await turn()
        # Those who were not with them don't wait for them.
        assert it.answers.asked[1:] == [(0, [slow]), (0, AT_HOME[3:5])]
        assert it.answers.alone[1:] == [True, False]
        it.answers.fail("still too much", CostlyError)
        it.answers.let()
        await asyncio.gather(*tasks[3:])
        for user_id in others:
            await turn()
            assert it.answers.asked[-1] == (0, [user_id])
            it.answers.let()
        await asyncio.gather(*tasks[1:])
        with pytest.raises(CostlyError, match="still too much"):
            await tasks[0]
        # Who was answered is like anyone else again, and the others are not.
        for user_id in (slow, *others):
            it.known.forget(user_id)
        tasks = [it.get(user_id) for user_id in (slow, *others)]
        await turn()
        assert it.answers.asked[-2:] == [(0, [slow]), (0, others)]
        it.answers.let()
        it.answers.let()
        await asyncio.gather(*tasks)

    run(test)


def test_only_so_many_are_asked_for_alone_since_a_busy_server_answers_many_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def test(it: Loaded) -> None:
        monkeypatch.setattr(loading, "MOST_ALONE", 2)
        tasks = [it.get(user_id) for user_id in AT_HOME[:5]]
        await turn()
        it.answers.fail("too much", CostlyError)
        await asyncio.gather(*tasks, return_exceptions=True)
        tasks = [it.get(user_id) for user_id in AT_HOME[:5]]
        await turn()
        assert it.answers.asked[1:] == [(0, AT_HOME[:3]), (0, AT_HOME[3:4])]
        for _ in range(3):
            it.answers.let()
            await turn()
        await asyncio.gather(*tasks)

    run(test)


def test_whoever_is_away_makes_nobody_wait_alone() -> None:
    async def test(it: Loaded) -> None:
        tasks = [it.get(user_id) for user_id in AT_HOME[:2]]
        await turn()
        it.answers.fail("gone")
        await asyncio.gather(*tasks, return_exceptions=True)
        tasks = [it.get(user_id) for user_id in AT_HOME[:2]]
        await turn()
        assert it.answers.asked[-1] == (0, AT_HOME[:2])
        it.answers.let()
        await asyncio.gather(*tasks)

    run(test)


def test_nobody_is_asked_for_in_a_partition_that_was_theirs() -> None:
    async def test(it: Loaded) -> None:
        first = it.get(AT_HOME[0])
        await turn()
        second = it.get(AT_HOME[1])
        await turn()
        it.loading.begin(PARTITIONS + 1)
        it.known.outdate()
        it.answers.let()
        for task in (first, second):
            with pytest.raises(BehindError, match="begun anew"):
                await task
        assert len(it.answers.asked) == 1
        third = it.get(AT_HOME[1])
        await turn()
        assert it.answers.asked[-1] == (partition_of(AT_HOME[1], PARTITIONS + 1), [AT_HOME[1]])
        it.answers.let()
        await third

    run(test)


def test_an_answer_from_before_the_tail_began_anew_is_none() -> None:
    async def test(it: Loaded) -> None:
        task = it.get(AT_HOME[0])
        await turn()
        it.known.outdate()
        it.answers.let()
        with pytest.raises(AwayError, match="begun anew"):
            await task

    run(test)


def test_an_old_user_is_answered_at_once_and_renewed() -> None:
    async def test(it: Loaded) -> None:
        task = it.get(AT_HOME[0])
        await turn()
        it.answers.let()
        known = await task
        it.now += RENEW_SECONDS + 1
        assert await it.loading.get(AT_HOME[0]) is known
        await turn()
        assert len(it.answers.asked) == 2
        it.answers.let()
        await turn()
        renewed = await it.loading.get(AT_HOME[0])
        assert renewed is not known
        # ClickHouse is away for as long again: what is known is used no more.
        it.now += 2 * RENEW_SECONDS + 1
        task = it.get(AT_HOME[0])
        await turn()
        it.answers.fail("gone")
        with pytest.raises(AwayError, match="gone"):
            await task

    run(test)


def test_only_so_many_may_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(it: Loaded) -> None:
        monkeypatch.setattr(loading, "MOST_WAITING", 2)
        tasks = [it.get(user_id) for user_id in AT_HOME[:2]]
        await turn()
        with pytest.raises(AwayError, match="too many"):
            await it.loading.get(AT_HOME[2])
        it.answers.let()
        await asyncio.gather(*tasks)

    run(test)


def test_the_end_reaches_everyone_who_waits() -> None:
    async def test(it: Loaded) -> None:
        tasks = [it.get(user_id) for user_id in (*AT_HOME[:3], ELSEWHERE)]
        await turn()
        await it.loading.stop()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(each) for each in outcomes] == [AwayError] * 4

    run(test)
