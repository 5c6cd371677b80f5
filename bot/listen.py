"""Serving an aiohttp application on an address that a setting names."""

from aiohttp import web


class CannotListen(Exception):
    """The address cannot be taken. The text is for the operator."""


async def serve(application: web.Application, listen: str) -> web.AppRunner:
    """Serve it on `HOST:PORT`; to be cleaned up by the caller. Raises CannotListen."""
    host, _, port = listen.rpartition(":")
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, host.strip("[]") or None, int(port)).start()
    except (OSError, OverflowError) as error:
        await runner.cleanup()
        raise CannotListen(f"{listen} cannot be listened on ({getattr(error, 'strerror', None) or error})") from error
    return runner


def port_of(runner: web.AppRunner) -> int:
    """The port that it was given, where the setting said 0."""
    port: int = runner.addresses[0][1]
    return port
