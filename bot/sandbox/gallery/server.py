"""Serves the gallery on loopback: the page's own drawing of Block Kit, fed with what the bot would send."""

from importlib.resources import files

from aiohttp import web

from bot.sandbox.gallery.exhibits import PEOPLE, chapters
from bot.sandbox.slack.pagefiles import PageFiles

HOST = "127.0.0.1"


class Gallery:
    """The gallery as a server; start it, look, stop it."""

    def __init__(self) -> None:
        self._runner: web.AppRunner | None = None
        self.url = ""

    async def start(self, port: int = 0) -> None:
        """Listen; port 0 takes a free one."""
        application = web.Application()
        own = PageFiles(files(__package__) / "page", "/gallery")
        drawing = PageFiles()
        application.add_routes([*own.routes(), drawing.file_route(), web.get("/gallery.json", _contents)])
        self._runner = web.AppRunner(application)
        await self._runner.setup()
        await web.TCPSite(self._runner, HOST, port).start()
        self.url = f"http://{HOST}:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None


async def _contents(_: web.Request) -> web.Response:
    return web.json_response({"chapters": chapters(), "people": PEOPLE})
