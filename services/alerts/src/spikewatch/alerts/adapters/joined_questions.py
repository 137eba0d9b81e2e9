"""Questions that are asked at the same moment go to the store as one: a round trip costs more than what it carries."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Generic, TypeVar

__all__ = ["JoinedQuestions"]

Q = TypeVar("Q")
A = TypeVar("A")

_MOST: Final = 100  # questions in one: beyond that the server takes longer to plan than a second round trip


class JoinedQuestions(Generic[Q, A]):
    """Collects what is asked within one turn of the event loop and has it answered together.

    Args:
        answer: returns the answers to some questions, in their order.
    """

    def __init__(self, answer: Callable[[Sequence[Q]], Awaitable[Sequence[A]]]) -> None:
        self._answer = answer
        self._waiting: list[tuple[Q, asyncio.Future[A]]] = []
        self._running: set[asyncio.Task[None]] = set()

    async def ask(self, question: Q) -> A:
        """Return the answer to one question; raises what answering raised."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[A] = loop.create_future()
        self._waiting.append((question, future))
        if len(self._waiting) == 1:
            loop.call_soon(self._start)
        elif len(self._waiting) == _MOST:
            self._start()
        return await future

    def _start(self) -> None:
        asked, self._waiting = self._waiting, []
        if asked:
            task = asyncio.create_task(self._run(asked))
            self._running.add(task)  # the loop holds tasks weakly
            task.add_done_callback(self._running.discard)

    async def _run(self, asked: Sequence[tuple[Q, "asyncio.Future[A]"]]) -> None:
        try:
            answers = await self._answer([question for question, _ in asked])
        except BaseException as error:
            for _, future in asked:
                if not future.done():
                    future.set_exception(error)
            if not isinstance(error, Exception):
                raise
        else:
            for (_, future), answer in zip(asked, answers, strict=True):
                if not future.done():
                    future.set_result(answer)
