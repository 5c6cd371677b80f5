"""Carrying out approved plans: one loop over steps, resumable at any point."""

from bot.executor.loop import Executor
from bot.executor.moving import Limits

__all__ = ["Executor", "Limits"]
