"""The operators' policy file: YAML into a Policy, with the line of everything that is wrong.

A file that is broken when the bot starts stops it. One that breaks later changes nothing: the rules read last go on to
hold, the log says so, and `vm-migrate-bot check` shows why. Aliases, unknown keys and keys that stand twice are
errors: a rule that is not read as it was meant would let somebody in.
"""

import asyncio
import logging
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import yaml
from pydantic import ValidationError

from bot import policy
from bot.policy import Policy

log = logging.getLogger(__name__)

LARGEST = 1_000_000
"""Bytes; no policy of people for people is longer."""


class BadPolicy(Exception):
    """The file cannot be used: one line for each thing that is wrong, with file, line and field."""


class Rules:
    """The rules that hold now."""

    def __init__(self, path: Path | None = None) -> None:
        """Read the file. Raises BadPolicy. Without a path the built-in rule holds."""
        self._path = path
        self._seen = _stamp(path) if path else None
        self.current: Policy = load(path) if path else policy.BUILT_IN

    async def sweep(self, now: datetime) -> None:  # noqa: ARG002  # every sweep is given the moment
        """Read the file again when it is not the one that was read."""
        if self._path is None:
            return
        stamp = await asyncio.to_thread(_stamp, self._path)
        if stamp == self._seen:
            return
        self._seen = stamp
        try:
            self.current = await asyncio.to_thread(load, self._path)
        except BadPolicy as bad:
            log.error("the policy file is broken, the rules read before go on to hold: %s", bad)  # no trace
        else:
            log.info("the policy file was read again: %d rules", len(self.current.rules))


def load(path: Path) -> Policy:
    """Read and check a file. Raises BadPolicy."""
    try:
        with path.open("rb") as file:
            text = file.read(LARGEST + 1)
        if len(text) > LARGEST:
            raise BadPolicy(f"{path}: larger than {LARGEST} bytes")
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        faults = list(_twice(root)) if root else []
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, Loader=yaml.SafeLoader)):
            faults.append("aliases are not allowed")
        if faults:
            raise BadPolicy("\n".join(f"{path}: {fault}" for fault in faults))
        return Policy.model_validate(yaml.safe_load(text))
    except OSError as error:
        raise BadPolicy(f"{path}: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise BadPolicy(f"{path}: {error}") from error
    except ValidationError as error:
        lines = (f"{path}:{_line(root, each['loc'])}: {_field(each['loc'])}{each['msg']}" for each in error.errors())
        raise BadPolicy("\n".join(lines)) from error


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _field(loc: tuple[int | str, ...]) -> str:
    return f"{'.'.join(map(str, loc))}: " if loc else ""


def _line(node: yaml.Node | None, loc: tuple[int | str, ...]) -> int:
    """The line, from 1, of the innermost thing on the way that is really there."""
    for part in loc:
        below = _below(node, part)
        if below is None:
            break
        node = below
    return node.start_mark.line + 1 if node else 1


def _below(node: yaml.Node | None, part: int | str) -> yaml.Node | None:
    if isinstance(node, yaml.MappingNode):
        return next((value for key, value in node.value if key.value == part), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        found: yaml.Node = node.value[part]
        return found
    return None


def _twice(node: yaml.Node) -> Iterator[str]:
    """Keys that stand twice in one mapping; YAML would silently take the last."""
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:
                yield f"line {key.start_mark.line + 1}: {key.value}: stands twice"
            seen.add(key.value)
            yield from _twice(value)
    elif isinstance(node, yaml.SequenceNode):
        for each in node.value:
            yield from _twice(each)
