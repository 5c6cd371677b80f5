"""Small pieces to describe JSON shapes as data, with the error lines of Slack's own validator.

A shape looks at a value and a JSON pointer and yields what is wrong as `message [json-pointer:/...]`, the form that
Slack puts into `response_metadata.messages`. Shapes never raise and never change the value; all problems are found,
not only the first. Slack's exact wording is not documented for every rule: tests of an app should look at the pointer.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

from bot.sandbox.slack.wire import Json

Shape = Callable[[object, str], Iterator[str]]
Rule = Callable[[Json, str], Iterator[str]]


def problem(message: str, pointer: str) -> str:
    return f"{message} [json-pointer:{pointer}]"


def string(longest: int | None = None, shortest: int = 0) -> Shape:
    """A string of `shortest` to `longest` characters."""

    def check(value: object, pointer: str) -> Iterator[str]:
        if not isinstance(value, str):
            yield problem("must be a string", pointer)
        elif longest is not None and len(value) > longest:
            yield problem(f"must be less than {longest + 1} characters", pointer)
        elif len(value) < shortest:
            yield problem(f"must be more than {shortest - 1} characters", pointer)

    return check


def boolean(value: object, pointer: str) -> Iterator[str]:
    if not isinstance(value, bool):
        yield problem("must be a boolean", pointer)


def integer(lowest: int | None = None, highest: int | None = None) -> Shape:
    """A whole number within bounds; a JSON boolean is none."""

    def check(value: object, pointer: str) -> Iterator[str]:
        if isinstance(value, bool) or not isinstance(value, int):
            yield problem("must be an integer", pointer)
        elif lowest is not None and value < lowest:
            yield problem(f"must be greater than or equal to {lowest}", pointer)
        elif highest is not None and value > highest:
            yield problem(f"must be less than or equal to {highest}", pointer)

    return check


def choice(*allowed: str) -> Shape:
    """One of a few words."""

    def check(value: object, pointer: str) -> Iterator[str]:
        if value not in allowed:
            yield problem(f"must be one of: {', '.join(allowed)}", pointer)

    return check


def array(item: Shape, most: int | None = None, least: int = 0) -> Shape:
    """A list of `least` to `most` items, each of one shape."""

    def check(value: object, pointer: str) -> Iterator[str]:
        if not isinstance(value, list):
            yield problem("must be an array", pointer)
            return
        if most is not None and len(value) > most:
            yield problem(f"no more than {most} items allowed", pointer)
        if len(value) < least:
            yield problem(f"no less than {least} items allowed", pointer)
        for index, entry in enumerate(value):
            yield from item(entry, f"{pointer}/{index}")

    return check


def record(fields: Mapping[str, Shape], required: Sequence[str] = (), rules: Sequence[Rule] = ()) -> Shape:
    """An object with these keys only; `rules` look across keys, once the keys themselves are right."""

    def check(value: object, pointer: str) -> Iterator[str]:
        if not isinstance(value, dict):
            yield problem("must be an object", pointer)
            return
        found = list(_keys(value, pointer))
        yield from found
        if not found:
            for rule in rules:
                yield from rule(value, pointer)

    def _keys(value: Json, pointer: str) -> Iterator[str]:
        for key in required:
            if key not in value:
                yield problem(f"missing required field: {key}", pointer)
        for key, entry in value.items():
            if key in fields:
                yield from fields[key](entry, f"{pointer}/{key}")
            else:
                yield problem(f"invalid additional property: {key}", pointer)

    return check


def by_type(table: Mapping[str, Shape]) -> Shape:
    """An object whose `type` picks the shape."""

    def check(value: object, pointer: str) -> Iterator[str]:
        if not isinstance(value, dict):
            yield problem("must be an object", pointer)
        elif "type" not in value:
            yield problem("missing required field: type", pointer)
        elif not isinstance(value["type"], str) or value["type"] not in table:
            yield problem(f"unsupported type: {value['type']}", f"{pointer}/type")
        else:
            yield from table[value["type"]](value, pointer)

    return check


def exactly_one(*keys: str) -> Rule:
    """Of these keys, one and only one must be there."""

    def rule(value: Json, pointer: str) -> Iterator[str]:
        if sum(key in value for key in keys) != 1:
            yield problem(f"must define either {' or '.join(f'`{key}`' for key in keys)}", pointer)

    return rule


def at_least_one(*keys: str) -> Rule:
    """Of these keys, one or more must be there."""

    def rule(value: Json, pointer: str) -> Iterator[str]:
        if not any(key in value for key in keys):
            yield problem(f"must define either {' or '.join(f'`{key}`' for key in keys)}", pointer)

    return rule
