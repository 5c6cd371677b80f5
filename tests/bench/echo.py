"""The bare counterpart for acknowledgements: the smallest Bolt app that answers a command."""

import asyncio
import os
import sys
from typing import Any

from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncRespond
from slack_sdk.web.async_client import AsyncWebClient

READY = "echo serves"


async def main() -> None:
    """Echo every command until killed."""
    client = AsyncWebClient(token=os.environ["SLACK_BOT_TOKEN"], base_url=os.environ["SLACK_API_URL"])
    client.proxy = None
    app = AsyncApp(client=client)

    @app.command("/vm-migrate")
    async def echo(ack: AsyncAck, respond: AsyncRespond, body: dict[str, Any]) -> None:
        await ack()
        await respond(body["text"])

    handler = AsyncSocketModeHandler(app, os.environ["SLACK_APP_TOKEN"])
    handler.client.proxy = None
    await handler.connect_async()  # type: ignore[no-untyped-call]  # Bolt ships it without types
    sys.stdout.write(f"{READY}\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
