"""`python -m tests.pictures gallery FOLDER`: the gallery as PNGs, each exhibit by itself and each chapter as one sheet.

`python -m tests.pictures readme FOLDER`: the two pictures of the README, from the real page with the real bot.
"""

import asyncio
import sys
import tempfile
from pathlib import Path
from typing import Literal

from playwright.async_api import Browser, ViewportSize, expect

from bot.sandbox.console import Console
from bot.sandbox.gallery.server import Gallery
from bot.sandbox.stage import Stage
from tests.stories.browser import PHONE, chromium, say

SHEET = ViewportSize(width=1680, height=1000)
"""Four phones side by side."""

DESK = ViewportSize(width=1440, height=780)
SOON = 20_000
"""Milliseconds."""

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


async def readme(folder: Path) -> int:
    """A live move on its way, on a wide screen and on a phone at night; how many pictures there are."""
    with tempfile.TemporaryDirectory() as work:
        stage = Stage(Path(work), speed=1, print_line=lambda _: None)
        console = Console(stage)
        async with stage, console, chromium() as browser:
            await stage.start_bot()
            wide = await browser.new_page(viewport=DESK, color_scheme="light")
            await wide.goto(f"{stage.slack.url}/")
            tall = ViewportSize(width=PHONE["width"], height=1400)
            phone = await browser.new_page(viewport=tall, color_scheme="dark")
            await say(wide, "/vm-migrate web-01 worker-05")
            card = wide.locator("#messages .message", has=wide.locator("h3"))
            await expect(card.get_by_role("button", name="Confirm")).to_be_visible(timeout=SOON)
            await phone.goto(f"{stage.slack.url}/#as=ravi")
            await expect(phone.locator("#messages h3")).to_be_visible(timeout=SOON)
            await phone.get_by_role("button", name="Dismiss the hint").click()
            await phone.locator("#messages .message").screenshot(path=folder / "plan-on-a-phone.png")
            await card.get_by_role("button", name="Confirm").click()
            await wide.get_by_role("dialog").get_by_role("button", name="Move it").click()
            await card.get_by_role("button", name="1 reply").click(timeout=SOON)
            await expect(wide.locator("#thread")).to_contain_text("Running", timeout=SOON)
            target = wide.locator("[data-node=worker-05]")
            await target.evaluate("node => node.scrollIntoView({block: 'nearest'})")  # at once: it is redrawn often
            await wide.screenshot(path=folder / "live-move.png")
    return 2


MAKERS = {"gallery": gallery, "readme": readme}


def main() -> None:
    """Make the pictures and say where they are."""
    what, folder = sys.argv[1], Path(sys.argv[2])
    (folder / "phone" if what == "gallery" else folder).mkdir(parents=True, exist_ok=True)
    count = asyncio.run(MAKERS[what](folder))
    sys.stdout.write(f"{count} pictures in {folder}/\n")


if __name__ == "__main__":
    main()
