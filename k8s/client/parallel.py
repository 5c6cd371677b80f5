"""Calls side by side that fail as one call does: with the first error itself, not with a group of them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Final, TypeVar

AT_ONCE: Final = 10
"""Calls side by side where each object takes one: the API server has other clients, too."""

_T = TypeVar("_T")
_R = TypeVar("_R")


@asynccontextmanager
async def side_by_side() -> AsyncIterator[asyncio.TaskGroup]:
    """A TaskGroup whose first failure is raised bare; the other calls are cancelled and awaited."""
    try:
        async with asyncio.TaskGroup() as group:
            yield group
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from errors.exceptions[0].__cause__


async def few_at_once(call: Callable[[_T], Awaitable[_R]], each: Iterable[_T]) -> list[_R]:
    """The answers in the order of what was asked, AT_ONCE calls at a time."""
    turns = asyncio.Semaphore(AT_ONCE)

    async def in_turn(one: _T) -> _R:
        async with turns:
            return await call(one)

    async with side_by_side() as group:
        asked = [group.create_task(in_turn(one)) for one in each]
    return [task.result() for task in asked]
