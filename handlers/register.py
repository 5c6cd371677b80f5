"""The table: which name of Slack's goes to which listener. And the Bolt app that it is for."""

import logging
import re
from typing import Any

from slack_bolt.app.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_sdk.web.async_client import AsyncWebClient

from handlers.actions import Actions
from handlers.buttons import acts
from handlers.commands import Commands
from handlers.desk import Desk
from handlers.home import HomeTab
from handlers.identity import Installation
from handlers.ids import CallbackId, CommandName, EventName
from handlers.mentions import Mentions
from handlers.views import Views

log = logging.getLogger(__name__)


def make_app(client: AsyncWebClient, installation: Installation, signing_secret: str | None = None) -> AsyncApp:
    """A Bolt app that knows its installation: no auth.test of Bolt's own stands between a click and its answer.

    The secret is for HTTP mode; in Socket Mode the connection itself is proof of who sends.
    """

    async def authorize() -> AuthorizeResult:
        return AuthorizeResult(
            enterprise_id=installation.enterprise,
            team_id=installation.team,
            bot_token=client.token,
            bot_id=installation.bot_id,
            bot_user_id=installation.bot_user,
        )

    return AsyncApp(
        name="vm-migrate-bot",
        client=client,
        authorize=authorize,
        signing_secret=signing_secret,
        logger=logging.getLogger("slack_bolt"),
    )


def register(app: AsyncApp, desk: Desk, installation: Installation) -> None:
    """Attach every listener. What no row names is acknowledged and answered, too: it may come from an old card."""
    commands, actions, views = Commands(desk), Actions(desk), Views(desk)
    app.command(CommandName.MIGRATE)(commands.migrate)
    app.command(CommandName.INVENTORY)(commands.inventory)
    app.event(EventName.MENTION)(Mentions(desk, installation.bot_user).mentioned)
    app.event(EventName.HOME_OPENED)(HomeTab(desk).opened)
    for action_id, act in acts(actions).items():
        app.action(action_id)(actions.listener(act))
    app.action(re.compile(".*"))(actions.listener(actions.unknown))
    app.view(CallbackId.MODIFY)(views.modify)
    app.view(CallbackId.ELSEWHERE)(views.elsewhere)
    app.view(CallbackId.DENY)(views.deny)
    app.view(CallbackId.INCIDENT)(views.incident)
    app.view(CallbackId.BATCH)(views.batch)
    app.error(_bolt_failed)


async def _bolt_failed(error: Exception, ack: AsyncAck, body: dict[str, Any]) -> None:
    """Bolt's own failures only: listeners raise nothing. The body stays out of the log, it holds secrets."""
    log.error("slack_bolt failed on a %s payload", body.get("type", "command"), exc_info=error)
