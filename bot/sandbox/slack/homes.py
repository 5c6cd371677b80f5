"""The app's Home tab on each person's screen: one view each, replaced as a whole by views.publish.

Source: docs.slack.dev/surfaces/app-home. The sandbox draws it; what a person could press in it is not delivered, as an
app like ours only shows things there.
"""

from bot.sandbox.slack.blockkit import check_home
from bot.sandbox.slack.blockkit.walk import with_ids
from bot.sandbox.slack.feed import Feed
from bot.sandbox.slack.wire import Json
from bot.sandbox.slack.workspace import Workspace


class Homes:
    """The published views, by person."""

    def __init__(self, workspace: Workspace, feed: Feed) -> None:
        self._workspace = workspace
        self._feed = feed
        self._views: dict[str, Json] = {}

    def publish(self, person_id: str, definition: Json) -> Json:
        """Replace what this person sees there; a wrong view is refused and changes nothing."""
        check_home(definition)
        blocks = with_ids(definition["blocks"], self._workspace.new_block_id)
        view = {**definition, "id": self._workspace.new_id("V"), "blocks": blocks}
        self._views[person_id] = view
        self._feed.publish("home_published", [person_id], view=view)
        return view

    def of(self, person_id: str) -> Json | None:
        """What this person sees there, if the app has ever shown them anything."""
        return self._views.get(person_id)
