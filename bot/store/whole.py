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


def whole(kind: type[C]) -> type[C]:
    """Let each public coroutine of a class run to its end, also when whoever awaits it is canceled."""
    for name, method in list(vars(kind).items()):
        if inspect.iscoroutinefunction(method) and not name.startswith("_"):
            setattr(kind, name, _shielded(method))
    return kind


def _shielded(method: Callable[..., Coroutine[Any, Any, Any]]) -> Callable[..., Coroutine[Any, Any, Any]]:
    @functools.wraps(method)
    async def to_the_end(*given: Any, **named: Any) -> Any:
        return await asyncio.shield(asyncio.ensure_future(method(*given, **named)))

    return to_the_end
