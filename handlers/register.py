"""The table: which name of Slack's goes to which listener. And the Bolt app that it is for."""

import logging
import re
from typing import Any

from slack_bolt.app.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_sdk.web.async_client import AsyncWebClient

from bot.plan import Consent
from bot.record import Choice, PinState
from bot.request import MoveType
from handlers.actions import Act, Actions
from handlers.batches import Batches
from handlers.commands import Commands
from handlers.desk import Desk
from handlers.home import HomeTab
from handlers.identity import Installation
from handlers.ids import ActionId, CallbackId, CommandName, EventName
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
    commands, actions, views = Commands(desk), Batches(desk), Views(desk)
    app.command(CommandName.MIGRATE)(commands.migrate)
    app.command(CommandName.INVENTORY)(commands.inventory)
    app.event(EventName.MENTION)(Mentions(desk, installation.bot_user).mentioned)
    app.event(EventName.HOME_OPENED)(HomeTab(desk).opened)
    for action_id, act in (_acts(actions) | _batch_acts(actions)).items():
        app.action(action_id)(actions.listener(act))
    app.action(re.compile(".*"))(actions.listener(actions.unknown))
    app.view(CallbackId.MODIFY)(views.modify)
    app.view(CallbackId.ELSEWHERE)(views.elsewhere)
    app.view(CallbackId.DENY)(views.deny)
    app.view(CallbackId.INCIDENT)(views.incident)
    app.view(CallbackId.BATCH)(views.batch)
    app.error(_bolt_failed)


def _acts(actions: Actions) -> dict[ActionId, Act]:
    return {
        ActionId.CONFIRM: actions.confirm,
        ActionId.MODIFY: actions.modify,
        ActionId.CANCEL: actions.cancel,
        ActionId.DENY: actions.deny,
        ActionId.INCIDENT: actions.incident,
        ActionId.AGAIN: actions.plan_again,
        ActionId.USE_LIVE: actions.replan(MoveType.LIVE),
        ActionId.USE_COLD: actions.replan(MoveType.COLD),
        ActionId.REPLACE_RULES: actions.replace_rules,
        ActionId.SUGGEST: actions.suggest,
        ActionId.PICK_NODE: actions.use_node,
        ActionId.USE_NODE: actions.use_node,
        ActionId.CHECK_AGAIN: actions.check_again,
        ActionId.CHECKS: actions.checks,
        ActionId.CALL_OFF: actions.call_off,
        ActionId.WATCH_ON: actions.watch_on,
        ActionId.CLEAN_UP: actions.clean_up,
        ActionId.MOVE_BACK: actions.move_back,
        ActionId.OTHER_NODE: actions.other_node,
        ActionId.RUNBOOK: actions.runbook,
        ActionId.WAIT: actions.answer(Choice.WAIT),
        ActionId.FORCE: actions.answer(Choice.FORCE),
        ActionId.HOME: actions.answer(Choice.HOME),
        ActionId.ELSEWHERE: actions.elsewhere,
        ActionId.PIN_REMOVE: actions.decide_pin(PinState.REMOVED),
        ActionId.PIN_KEEP: actions.decide_pin(PinState.KEPT),
        ActionId.PIN_LATER: actions.decide_pin(PinState.LATER),
        ActionId.UNPIN: actions.unpin,
        ActionId.READING: actions.reading,
        ActionId.PICK_NAMESPACE: actions.reading,
    }


def _batch_acts(batches: Batches) -> dict[ActionId, Act]:
    return {
        ActionId.ACCEPT_DOWNTIME: batches.accept(Consent.DOWNTIME),
        ActionId.ACCEPT_OVERCOMMIT: batches.accept(Consent.OVERCOMMIT),
        ActionId.STAGE: batches.stage(staged=True),
        ActionId.UNSTAGE: batches.stage(staged=False),
        ActionId.PAUSE: batches.pause,
        ActionId.STOP: batches.stop,
        ActionId.GO_ON: batches.go_on,
        ActionId.SKIP: batches.skip,
        ActionId.RETRY: batches.retry(None),
        ActionId.RETRY_COLD: batches.retry(MoveType.COLD),
        ActionId.BACK: batches.move_all_back,
        ActionId.BRING_BACK: batches.bring_back,
        ActionId.UNPIN_ALL: batches.unpin_all,
    }


async def _bolt_failed(error: Exception, ack: AsyncAck, body: dict[str, Any]) -> None:
    """Bolt's own failures only: listeners raise nothing. The body stays out of the log, it holds secrets."""
    log.error("slack_bolt failed on a %s payload", body.get("type", "command"), exc_info=error)
