"""The browser for stories: Debian's chromium, driven by Playwright, that asks nobody but this machine."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Browser, Locator, Page, ViewportSize, async_playwright

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WIDE = ViewportSize(width=1280, height=800)
PHONE = ViewportSize(width=390, height=780)

needs_chromium = pytest.mark.skipif(
    not CHROMIUM.exists(), reason=f"{CHROMIUM} is missing; on Debian or Ubuntu: apt-get install chromium"
)


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """A browser without windows."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        await browser.close()


def composer(page: Page) -> Locator:
    """Where one types into the channel."""
    return page.locator("#composer textarea")


async def say(page: Page, text: str) -> None:
    """Type it into the channel and send it."""
    await composer(page).fill(text)
    await composer(page).press("Enter")
