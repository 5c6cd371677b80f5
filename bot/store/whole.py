"""A transaction that has begun is finished, whoever asked for it.

Runs are canceled while they wait for the store: somebody presses a button, the bot leaves. Torn in the middle, the
drivers leave a connection behind that holds its locks; on SQLite nothing could be written any more.
"""

import asyncio
import functools
import inspect
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

C = TypeVar("C")

_begun: set[asyncio.Task[Any]] = set()
"""Under way, also those whose caller has gone."""


def whole(kind: type[C]) -> type[C]:
    """Let each public coroutine of a class run to its end, also when whoever awaits it is canceled."""
    for name, method in list(vars(kind).items()):
        if inspect.iscoroutinefunction(method) and not name.startswith("_"):
            setattr(kind, name, _shielded(method))
    return kind


def _shielded(method: Callable[..., Coroutine[Any, Any, Any]]) -> Callable[..., Coroutine[Any, Any, Any]]:
    @functools.wraps(method)
    async def to_the_end(*given: Any, **named: Any) -> Any:
        task = asyncio.ensure_future(method(*given, **named))
        _begun.add(task)
        task.add_done_callback(_begun.discard)
        return await asyncio.shield(task)

    return to_the_end


async def all_ended(patience: float) -> None:
    """Wait that many seconds at most for what has begun on this loop."""
    loop = asyncio.get_running_loop()
    if here := [task for task in _begun if task.get_loop() is loop]:
        await asyncio.wait(here, timeout=patience)
