"""The modals on each person's screen: a stack of at most three views, with what has been typed into each.

Source: docs.slack.dev/surfaces/modals; error words from views.open, views.push and views.update.
"""

import hashlib
from dataclasses import dataclass, field

from bot.sandbox.slack import limits
from bot.sandbox.slack.blockkit import check_view
from bot.sandbox.slack.blockkit.values import Values, initial_values
from bot.sandbox.slack.blockkit.walk import with_ids
from bot.sandbox.slack.errors import SlackError
from bot.sandbox.slack.feed import Feed
from bot.sandbox.slack.wire import Json
from bot.sandbox.slack.workspace import Workspace


@dataclass
class View:
    """One modal. `values` is what stands in its inputs; `errors` what the app said about them."""

    id: str
    person_id: str
    definition: Json
    hash: str
    root_id: str
    previous_id: str | None
    values: Values = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)

    @property
    def blocks(self) -> list[Json]:
        blocks: list[Json] = self.definition["blocks"]
        return blocks


class Modals:
    """All stacks, topmost view last."""

    def __init__(self, workspace: Workspace, feed: Feed) -> None:
        self._workspace = workspace
        self._feed = feed
        self._stacks: dict[str, list[View]] = {}

    def stack(self, person_id: str) -> list[View]:
        return self._stacks.setdefault(person_id, [])

    def open(self, person_id: str, definition: Json) -> View:
        """Start a new stack; one that was open before is gone."""
        check_view(definition)
        self._check_external_id(definition, None)
        self.stack(person_id).clear()
        return self._put(person_id, definition)

    def push(self, person_id: str, definition: Json) -> View:
        check_view(definition)
        self._check_external_id(definition, None)
        stack = self.stack(person_id)
        if not stack:
            raise SlackError("not_found")
        if len(stack) >= limits.VIEW_STACK:
            raise SlackError("push_limit_reached")
        return self._put(person_id, definition)

    def update(self, view: View, definition: Json, expected_hash: str | None = None) -> View:
        """Replace a view's definition; entries of inputs that keep both ids stay.

        docs views.update: with a `hash` of an older version the answer is `hash_conflict`.
        """
        if expected_hash is not None and expected_hash != view.hash:
            raise SlackError("hash_conflict")
        check_view(definition)
        self._check_external_id(definition, view)
        self._define(view, definition)
        self._feed.publish("view_updated", [view.person_id], view=shown(view))
        return view

    def close(self, view: View) -> None:
        """Take one view off its stack; what lies below is seen again."""
        stack = self.stack(view.person_id)
        if view in stack:
            stack.remove(view)
            self._feed.publish("view_closed", [view.person_id], view_id=view.id)

    def clear(self, person_id: str) -> None:
        while stack := self.stack(person_id):
            self.close(stack[-1])

    def find(self, view_id: str = "", external_id: str = "") -> View:
        """A view that is open now; `not_found` otherwise."""
        for stack in self._stacks.values():
            for view in stack:
                if view.id == view_id or (external_id and view.definition.get("external_id") == external_id):
                    return view
        raise SlackError("not_found")

    def say_errors(self, view: View, errors: dict[str, str]) -> None:
        view.errors = errors
        self._feed.publish("view_updated", [view.person_id], view=shown(view))

    def _put(self, person_id: str, definition: Json) -> View:
        stack = self.stack(person_id)
        view_id = self._workspace.new_id("V")
        root, previous = (stack[0].id, stack[-1].id) if stack else (view_id, None)
        view = View(view_id, person_id, {}, "", root, previous)
        self._define(view, definition)
        stack.append(view)
        self._feed.publish("view_opened", [person_id], view=shown(view))
        return view

    def _define(self, view: View, definition: Json) -> None:
        entered = view.values
        view.definition = {**definition, "blocks": with_ids(definition["blocks"], self._workspace.new_block_id)}
        view.values = initial_values(view.blocks)
        for block_id, actions in view.values.items():
            for action_id in actions:
                kept = entered.get(block_id, {}).get(action_id)
                if kept and kept["type"] == actions[action_id]["type"]:
                    actions[action_id] = kept
        view.errors = {}
        ts = self._workspace.new_ts()
        view.hash = f"{ts.split('.')[0]}.{hashlib.sha256(ts.encode()).hexdigest()[:8]}"

    def _check_external_id(self, definition: Json, own: View | None) -> None:
        wanted = definition.get("external_id")
        views = [view for stack in self._stacks.values() for view in stack if view is not own]
        if wanted and any(view.definition.get("external_id") == wanted for view in views):
            raise SlackError("duplicate_external_id")


def shown(view: View) -> Json:
    """A view as a page draws it."""
    return {
        **view.definition,
        "id": view.id,
        "hash": view.hash,
        "previous_view_id": view.previous_id,
        "root_view_id": view.root_id,
        "state": {"values": view.values},
        "errors": view.errors,
    }
