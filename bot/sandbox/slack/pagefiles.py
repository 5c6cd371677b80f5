"""Serves the page: plain files of this package, with a policy that lets nothing else in.

The page may load and call loopback only, so a hostile name that found a way into the markup could still run nothing
and tell nobody; a picture from elsewhere shows its alternative text.
"""

from importlib.resources import files
from importlib.resources.abc import Traversable

from aiohttp import web

_CONTENT_TYPES = {
    ".html": "text/html",
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
}

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src 'self' data: http://127.0.0.1:*; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


class PageFiles:
    """The files of a folder, by default `page/`, read once and served below `address`."""

    def __init__(self, folder: Traversable | None = None, address: str = "/page") -> None:
        self._address = address
        self._contents = {
            entry.name: entry.read_bytes()
            for entry in (folder or files(__package__) / "page").iterdir()
            if _suffix(entry.name) in _CONTENT_TYPES
        }

    def routes(self) -> list[web.RouteDef]:
        """Its index.html as the start page, and every file."""
        return [web.get("/", self._index), self.file_route()]

    def file_route(self) -> web.RouteDef:
        """The files alone, for another page that uses them."""
        return web.get(f"{self._address}/{{name}}", self._file)

    async def _index(self, _: web.Request) -> web.Response:
        return self._answer("index.html")

    async def _file(self, request: web.Request) -> web.Response:
        return self._answer(request.match_info["name"])

    def _answer(self, name: str) -> web.Response:
        if name not in self._contents:
            raise web.HTTPNotFound
        return web.Response(
            body=self._contents[name],
            content_type=_CONTENT_TYPES[_suffix(name)],
            charset="utf-8",
            headers=HEADERS,
        )


def _suffix(name: str) -> str:
    return name[name.rfind(".") :]
