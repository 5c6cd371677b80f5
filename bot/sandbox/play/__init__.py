"""Scripted conversations: a YAML story is played against the real bot over the wire, and its transcript printed."""

from bot.sandbox.play.player import ExpectationFailed, Rehearsing, play, rehearse
from bot.sandbox.play.script import Story, load

__all__ = ["ExpectationFailed", "Rehearsing", "Story", "load", "play", "rehearse"]
