"""Slack's Block Kit rules, written down once more and apart from any app, so that an app's own mistake shows.

Use `check_message(blocks)` and `check_view(view)`; `walk` finds elements, `values` reads what people enter.
"""

from bot.sandbox.slack.blockkit.check import check_home, check_message, check_view

__all__ = ["check_home", "check_message", "check_view"]
