"""Finding the interactive elements inside blocks, and giving every block and element the id that Slack gives it."""

from collections.abc import Callable, Iterable, Iterator

from bot.sandbox.slack.wire import Json


def elements_of(block: Json) -> list[Json]:
    """The elements of one block that a person can use."""
    match block["type"]:
        case "actions":
            return list(block["elements"])
        case "section" if block.get("accessory", {}).get("type", "image") != "image":
            return [block["accessory"]]
        case "input":
            return [block["element"]]
        case _:
            return []


def each_element(blocks: Iterable[Json]) -> Iterator[tuple[Json, Json]]:
    """Every interactive element with the block that holds it."""
    for block in blocks:
        for element in elements_of(block):
            yield block, element


def with_ids(blocks: list[Json], new_id: Callable[[], str]) -> list[Json]:
    """The blocks with every missing block_id and action_id filled in, as Slack does on arrival."""
    return [_with_ids(block, new_id) for block in blocks]


def _with_ids(block: Json, new_id: Callable[[], str]) -> Json:
    named = {**block, "block_id": block.get("block_id") or new_id()}
    match block["type"]:
        case "actions":
            named["elements"] = [_named(element, new_id) for element in block["elements"]]
        case "section" if elements_of(block):
            named["accessory"] = _named(block["accessory"], new_id)
        case "input":
            named["element"] = _named(block["element"], new_id)
    return named


def _named(element: Json, new_id: Callable[[], str]) -> Json:
    return {**element, "action_id": element.get("action_id") or new_id()}
