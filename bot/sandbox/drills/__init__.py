"""Drills: ready stories that teach one thing each. `sandbox play NAME` plays one, the page rehearses it with you."""

from importlib.resources import files
from importlib.resources.abc import Traversable

_SUFFIX = ".yaml"


def names() -> tuple[str, ...]:
    """Every drill, in the order in which to learn."""
    found = sorted(entry.name for entry in files(__package__).iterdir() if entry.name.endswith(_SUFFIX))
    return tuple(name.removesuffix(_SUFFIX) for name in found)


def find(name: str) -> Traversable | None:
    """The file of a drill, by its name with or without its number."""
    for known in names():
        if name in (known, known.partition("-")[2]):
            return files(__package__) / f"{known}{_SUFFIX}"
    return None
