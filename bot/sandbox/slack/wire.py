"""The one type of raw JSON at the edges of this package, and how ids of Slack look."""

from typing import Any, TypeAlias

Json: TypeAlias = dict[str, Any]
"""A JSON object as it came from, or goes to, the wire."""

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def slack_id(prefix: str, number: int) -> str:
    """An id in Slack's shape: a kind letter and ten characters, `V0SANDBOX1A` for view 46."""
    digits = ""
    while number:
        number, rest = divmod(number, len(ALPHABET))
        digits = ALPHABET[rest] + digits
    return prefix + "0SANDBOX00"[: 10 - len(digits)] + digits
