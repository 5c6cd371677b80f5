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
from typing import Any, Protocol

import yaml
from pydantic import ValidationError

from bot import policy
from bot.policy import Policy

log = logging.getLogger(__name__)

LARGEST = 1_000_000
"""Bytes; no policy of people for people is longer."""
DEEPEST = 20
"""Levels of nesting; the rules need seven, and a thousand would break the parser."""


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
    except OSError as error:
        raise BadPolicy(f"{path}: {error.strerror}") from error
    if len(text) > LARGEST:
        raise BadPolicy(f"{path}: larger than {LARGEST} bytes")
    try:
        return _checked(text)
    except _Faults as faults:
        raise BadPolicy("\n".join(f"{path}:{line}: {fault}" for line, fault in faults.found)) from faults


class _Faults(Exception):
    """What is wrong: the lines, from 1, with a sentence for each."""

    def __init__(self, *found: tuple[int, str]) -> None:
        super().__init__(found)
        self.found = found


def _checked(text: bytes) -> Policy:
    root, content = _read(text)
    try:
        return Policy.model_validate(content)
    except ValidationError as error:
        found = ((_line(root, each["loc"]), f"{_field(each['loc'])}{each['msg']}") for each in error.errors())
        raise _Faults(*found) from error


def _read(text: bytes) -> tuple[yaml.Node | None, object]:
    try:
        if faults := list(_misused(text)):
            raise _Faults(*faults)
        loader = _Loader(text)
        root = loader.get_single_node()
        if faults := list(_bad_keys(root)):
            raise _Faults(*faults)
        return root, loader.construct_document(root) if root else None
    except yaml.MarkedYAMLError as error:
        line = _line_at(error.problem_mark or error.context_mark)
        raise _Faults((line, error.problem or str(error))) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise _Faults((1, str(error))) from error


class _Loader(yaml.SafeLoader):
    """Names the place of what looks like a date or a number and is none, which YAML's own types do not."""

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:  # noqa: FBT001, FBT002  # as PyYAML has it
        try:
            return super().construct_object(node, deep)
        except (ValueError, OverflowError) as error:
            raise yaml.constructor.ConstructorError(None, None, str(error), node.start_mark) from error


def _misused(text: bytes) -> Iterator[tuple[int, str]]:
    """What YAML has, and a file of rules has not."""
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        line = _line_at(event.start_mark)
        if isinstance(event, yaml.AliasEvent):
            yield line, "aliases are not allowed"
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        elif isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > DEEPEST:
                yield line, f"nested more than {DEEPEST} deep"
                return


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
    return _line_at(node.start_mark if node else None)


class _Mark(Protocol):
    line: int


def _line_at(mark: _Mark | None) -> int:
    return mark.line + 1 if mark else 1


def _below(node: yaml.Node | None, part: int | str) -> yaml.Node | None:
    if isinstance(node, yaml.MappingNode):
        return next((value for key, value in node.value if key.value == part), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        found: yaml.Node = node.value[part]
        return found
    return None


def _bad_keys(node: yaml.Node | None) -> Iterator[tuple[int, str]]:
    """Keys that are no words, or stand twice in one mapping: YAML would silently take the last."""
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            line = _line_at(key.start_mark)
            if not isinstance(key, yaml.ScalarNode):
                yield line, "a key must be a word"
                continue
            if key.value in seen:
                yield line, f"{key.value}: stands twice"
            seen.add(key.value)
            yield from _bad_keys(value)
    elif isinstance(node, yaml.SequenceNode):
        for each in node.value:
            yield from _bad_keys(each)
