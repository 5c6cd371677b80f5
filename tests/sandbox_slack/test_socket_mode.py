"""Socket Mode as a bare client sees it: tickets, hello, pings, acknowledgements, disconnects."""

import asyncio
from typing import Any

import aiohttp
import pytest

from bot.sandbox.slack import SlackSandbox
from tests.sandbox_slack.callers import Caller, HandClock, until


async def link(slack: Caller) -> str:
    answer = await slack.api("apps.connections.open", token=slack.sandbox.app_token)
    return str(answer.body["url"])


async def connect(slack: Caller) -> aiohttp.ClientWebSocketResponse:
    """A connection that has read its hello."""
    socket = await slack.http.ws_connect(await link(slack), autoping=False)
    hello = await socket.receive_json()
    assert hello["type"] == "hello"
    assert hello["connection_info"] == {"app_id": "A0VMMIGRATE"}
    return socket


async def command(slack: Caller) -> dict[str, Any]:
    return await slack.person("say", user="dana", channel="#ops", text="/vm-migrate web-01")


async def test_a_ticket_is_good_for_one_handshake(slack: Caller) -> None:
    url = await link(slack)
    socket = await slack.http.ws_connect(url)
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await slack.http.ws_connect(url)
    assert refused.value.status == 403
    await socket.close()


async def test_a_ticket_gets_old(slack: Caller, clock: HandClock) -> None:
    url = await link(slack)
    clock.advance(61)
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await slack.http.ws_connect(url)


async def test_refused_sockets_leave_the_web_api_alone(slack: Caller) -> None:
    await slack.person("faults", refuse_sockets=True)
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await slack.http.ws_connect(await link(slack))
    await slack.person("faults", clear=True)
    socket = await connect(slack)
    await socket.close()


async def test_a_ping_is_answered_with_its_own_bytes(slack: Caller) -> None:
    socket = await connect(slack)
    await socket.ping(b"sdk-ping-pong:1766000000.5")
    pong = await socket.receive()
    assert pong.type is aiohttp.WSMsgType.PONG
    assert bytes(pong.data) == b"sdk-ping-pong:1766000000.5"
    await socket.close()


async def test_a_payload_goes_to_one_of_several_connections(slack: Caller) -> None:
    sockets = [await connect(slack) for _ in range(3)]
    say = asyncio.create_task(command(slack))
    reads = [asyncio.create_task(socket.receive_json()) for socket in sockets]
    done, waiting = await asyncio.wait(reads, return_when=asyncio.FIRST_COMPLETED)
    assert len(done) == 1
    envelope = done.pop().result()
    assert envelope["type"] == "slash_commands"
    assert envelope["accepts_response_payload"] is True
    for read in waiting:
        read.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    # An acknowledgement counts on any connection.
    await sockets[0].send_json({"envelope_id": envelope["envelope_id"]})
    assert (await say)["ok"]
    for socket in sockets:
        await socket.close()


async def test_what_is_no_acknowledgement_is_ignored(slack: Caller) -> None:
    socket = await connect(slack)
    say = asyncio.create_task(command(slack))
    envelope = await socket.receive_json()
    for noise in ("no json", "[1]", '"text"', '{"envelope_id": "other"}', '{"envelope_id": [7]}', "{}"):
        await socket.send_str(noise)
    await asyncio.sleep(0.05)
    assert not say.done()
    await socket.send_json({"envelope_id": envelope["envelope_id"], "payload": {"text": "done"}})
    assert (await say)["answer"] == {"text": "done"}
    await socket.close()


@pytest.mark.parametrize("reason", ["warning", "refresh_requested", "link_disabled"])
async def test_a_disconnect_says_why(slack: Caller, reason: str) -> None:
    socket = await connect(slack)
    await slack.person("faults", disconnect=reason)
    frame = await socket.receive_json()
    assert (frame["type"], frame["reason"]) == ("disconnect", reason)
    still_served = slack.sandbox.connection_count == 1
    assert still_served == (reason == "warning")
    await socket.close()


async def test_after_a_refresh_request_the_old_connection_gets_no_payload(slack: Caller) -> None:
    socket = await connect(slack)
    await slack.person("faults", disconnect="refresh_requested")
    assert (await command(slack))["error"] == "dispatch_failed"
    await socket.close()


async def test_an_eleventh_connection_is_one_too_many(slack: Caller, clock: HandClock) -> None:
    sockets = [await connect(slack) for _ in range(10)]
    # The rate limit of apps.connections.open allows ten at once.
    clock.advance(60)
    extra = await slack.http.ws_connect(await link(slack))
    assert (await extra.receive_json())["reason"] == "too_many_websockets"
    assert slack.sandbox.connection_count == 10
    for socket in [*sockets, extra]:
        await socket.close()


async def test_a_connection_that_left_is_forgotten(slack: Caller) -> None:
    socket = await connect(slack)
    await socket.close()
    await until(lambda: slack.sandbox.connection_count == 0)
    assert (await command(slack))["error"] == "dispatch_failed"


async def test_the_bot_token_opens_no_connection(slack: Caller, sandbox: SlackSandbox) -> None:
    answer = await slack.api("apps.connections.open", token=sandbox.bot_token)
    assert answer.error == "not_allowed_token_type"
