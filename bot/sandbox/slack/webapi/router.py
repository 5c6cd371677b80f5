"""The door of the Web API: token, rate limit and faults first, then the method; every refusal is Slack's JSON."""

from collections.abc import Callable, Mapping

from aiohttp import web

from bot.sandbox.slack.backend import Backend
from bot.sandbox.slack.clock import sleep_until
from bot.sandbox.slack.errors import SlackError
from bot.sandbox.slack.webapi import chat, conversations, directory, scopes, views
from bot.sandbox.slack.webapi.calls import Call, read_arguments
from bot.sandbox.slack.wire import Json

METHODS: Mapping[str, Callable[[Call], Json]] = {
    "apps.connections.open": directory.open_connection,
    "auth.test": directory.auth_test,
    "chat.delete": chat.delete,
    "chat.getPermalink": chat.get_permalink,
    "chat.postEphemeral": chat.post_ephemeral,
    "chat.postMessage": chat.post_message,
    "chat.update": chat.update,
    "conversations.history": conversations.history,
    "conversations.info": conversations.info,
    "conversations.join": conversations.join,
    "conversations.list": conversations.list_,
    "conversations.members": conversations.members,
    "conversations.open": conversations.open_,
    "conversations.replies": conversations.replies,
    "usergroups.list": directory.usergroup_list,
    "usergroups.users.list": directory.usergroup_users,
    "users.info": directory.user_info,
    "users.list": directory.user_list,
    "views.open": views.open_,
    "views.publish": views.publish,
    "views.push": views.push,
    "views.update": views.update,
}

APP_TOKEN_METHODS = {"apps.connections.open"}
"""Methods for the app-level token (xapp-); all others want the bot token."""


class WebApi:
    """Answers `/api/{method}`."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    async def handle(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        faults = self._backend.faults
        if faults.latency:
            await sleep_until(self._backend.clock, self._backend.clock.now() + faults.latency)
        try:
            faults.before_call(method)
            body = {"ok": True, **await self._call(method, request)}
        except SlackError as refused:
            return web.json_response(refused.body, status=refused.status, headers=refused.headers | self._scopes())
        if faults.takes_answer(method) and request.transport is not None:
            request.transport.abort()
        return web.json_response(body, headers=self._scopes())

    def _scopes(self) -> dict[str, str]:
        return {scopes.HEADER: scopes.header(self._backend.faults.revoked_scopes)}

    async def _call(self, method: str, request: web.Request) -> Json:
        if method not in METHODS:
            raise SlackError("unknown_method", req_method=method)
        arguments = await read_arguments(request)
        self._check_token(method, request, arguments)
        scopes.check(method, self._backend.faults.revoked_scopes)
        self._backend.rate_limits.spend(method, str(arguments.get("channel", "")))
        return METHODS[method](Call(self._backend, arguments))

    def _check_token(self, method: str, request: web.Request, arguments: Json) -> None:
        header = request.headers.get("Authorization", "")
        token = header.removeprefix("Bearer ") or str(arguments.get("token", ""))
        if not token:
            raise SlackError("not_authed")
        credentials = self._backend.world.app.credentials
        if token not in {credentials.bot_token, credentials.app_token}:
            raise SlackError("invalid_auth")
        wanted = credentials.app_token if method in APP_TOKEN_METHODS else credentials.bot_token
        if token != wanted:
            raise SlackError("not_allowed_token_type")
