"""What the bot asks of the simulated API, by that one's own log."""

import aiohttp

PATH = "/sandbox/requests"
BOT = "vm-migrate-bot/"


async def forget(api: aiohttp.ClientSession) -> None:
    """Count from here."""
    async with api.delete(PATH) as answer:
        answer.raise_for_status()


async def count(api: aiohttp.ClientSession) -> int:
    """The bot's calls since then; one that is a watch counts when it is opened."""
    async with api.get(PATH) as answer:
        return sum(str(each["user_agent"]).startswith(BOT) for each in await answer.json())
