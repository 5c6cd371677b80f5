"""`python -m tests.pictures FOLDER`: the gallery as PNGs, each exhibit by itself and each chapter as one sheet."""

import asyncio
import sys
from pathlib import Path
from typing import Literal

from playwright.async_api import Browser, ViewportSize

from bot.sandbox.gallery.server import Gallery
from tests.stories.browser import PHONE, chromium

SHEET = ViewportSize(width=1680, height=1000)
"""Four phones side by side."""

Scheme = Literal["light", "dark"]


async def gallery(folder: Path) -> int:
    """Draw it all; how many pictures there are."""
    shown = Gallery()
    await shown.start()
    try:
        async with chromium() as browser:
            made = [
                await _sheets(browser, shown.url, folder, "light"),
                await _sheets(browser, shown.url, folder, "dark"),
                await _exhibits(browser, shown.url, folder / "phone", "light"),
            ]
    finally:
        await shown.stop()
    return sum(made)


async def _sheets(browser: Browser, url: str, folder: Path, scheme: Scheme) -> int:
    page = await browser.new_page(viewport=SHEET, color_scheme=scheme)
    await page.goto(f"{url}/")
    await page.wait_for_selector("[data-drawn]")
    chapters = await page.locator(".chapter").all()
    for chapter in chapters:
        name = await chapter.get_attribute("id")
        await chapter.screenshot(path=folder / f"sheet-{name}-{scheme}.png")
    await page.close()
    return len(chapters)


async def _exhibits(browser: Browser, url: str, folder: Path, scheme: Scheme) -> int:
    page = await browser.new_page(viewport=PHONE, color_scheme=scheme)
    await page.goto(f"{url}/")
    await page.wait_for_selector("[data-drawn]")
    exhibits = await page.locator(".exhibit").all()
    for exhibit in exhibits:
        name = await exhibit.get_attribute("id")
        await exhibit.screenshot(path=folder / f"{name}-{scheme}.png")
    await page.close()
    return len(exhibits)


def main() -> None:
    """Make the pictures and say where they are."""
    folder = Path(sys.argv[1])
    (folder / "phone").mkdir(parents=True, exist_ok=True)
    count = asyncio.run(gallery(folder))
    sys.stdout.write(f"{count} pictures in {folder}/\n")


if __name__ == "__main__":
    main()
