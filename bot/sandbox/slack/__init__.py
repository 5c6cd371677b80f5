"""A small real Slack on loopback: Web API, Socket Mode, and people who type and click.

The app under test is unchanged and only gets other addresses:

    sandbox = SlackSandbox()
    await sandbox.start()
    client = AsyncWebClient(token=sandbox.bot_token, base_url=sandbox.api_url)
    app = AsyncApp(client=client)
    await AsyncSocketModeHandler(app, sandbox.app_token).connect_async()

People act through `POST {sandbox.url}/sandbox/...` (see `people.api`), in a browser or in a script:

    line = {"user": "dana", "channel": "#ops", "text": "/vm-migrate web-01 worker-05"}
    await http.post(f"{sandbox.url}/sandbox/say", json=line)

`serve(port, announce)` runs it in the foreground. Promised: Slack's error words, limits, windows and payload shapes as
documented, each with its source beside it. Not promised: anything an app like ours does not use. Nothing here is
shared with the app, so that a wrong belief of the app about Slack cannot hide.
"""

from bot.sandbox.slack.clock import Clock, WallClock
from bot.sandbox.slack.server import SlackSandbox, serve
from bot.sandbox.slack.world import World, default_world

__all__ = ["Clock", "SlackSandbox", "WallClock", "World", "default_world", "serve"]
