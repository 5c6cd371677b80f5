"""The console beside the chat: the cluster as it is now, faults and time at the press of a button, and drills.

It speaks to the simulated cluster and Slack over HTTP, as a story does, and knows nothing of the bot but its process.
"""

from bot.sandbox.console.console import Console

__all__ = ["Console"]
