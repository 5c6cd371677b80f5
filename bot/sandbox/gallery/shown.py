"""Exhibits as the gallery's page takes them."""

from typing import Any

from handlers.blocks import Block
from handlers.cards import Card

Json = dict[str, Any]


def message(slot: str, card: Card, *, private: bool = False) -> Json:
    """One message of an exhibit, with what a lock screen would show of it."""
    return {"slot": str(slot), "text": card.text, "blocks": card.stamped(), "private": private}


def private(name: str, card: Card) -> Json:
    """What one person sees alone."""
    return {"name": name, "about": "", "messages": [message("only you", card, private=True)]}


def home(name: str, card: Card) -> Json:
    """The app's Home tab, which one person sees alone and nobody is notified of."""
    return {"name": name, "about": "", "home": card.stamped()}


def form(name: str, view: Block) -> Json:
    """A modal."""
    blocks = [{"block_id": f"b{number}"} | block for number, block in enumerate(view["blocks"])]
    return {"name": name, "about": "", "view": view | {"blocks": blocks}}
