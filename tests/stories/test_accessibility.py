"""axe-core looks at the page and the gallery: nothing serious may stand in the way of somebody with a screen reader."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Literal

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, expect

from bot.sandbox.console import Console
from bot.sandbox.gallery.server import Gallery
from bot.sandbox.stage import Stage
from tests.stories.browser import PHONE, WIDE, chromium, composer, needs_chromium, say

pytestmark = [pytest.mark.stories, needs_chromium]

Scheme = Literal["light", "dark"]
STANDS_IN_THE_WAY = ("serious", "critical")


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as browser:
        yield browser


async def hindrances(page: Page) -> list[str]:
    """What axe finds serious: the rule, and where."""
    found = await Axe().run(page)
    return [
        f"{violation['id']}: {node['target']} {node.get('failureSummary', '')[:200]}"
        for violation in found.response["violations"]
        if violation["impact"] in STANDS_IN_THE_WAY
        for node in violation["nodes"]
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_chat_thread_form_and_console_have_no_serious_finding(
    tmp_path: Path, browser: Browser, scheme: Scheme
) -> None:
    stage = Stage(tmp_path, speed=20)
    console = Console(stage)
    async with stage, console:
        await stage.start_bot()
        page = await browser.new_page(viewport=WIDE, color_scheme=scheme)
        await page.goto(f"{stage.slack.url}/")
        await expect(page.locator("#console-nodes > li")).to_have_count(9)
        await composer(page).press_sequentially("/")
        await expect(page.get_by_role("option").first).to_be_visible()
        assert await hindrances(page) == []
        await say(page, "/vm-migrate nonsense worker-05")
        await expect(page.locator(".message.ephemeral")).to_be_visible(timeout=20_000)
        await say(page, "/vm-migrate web-01 worker-05")
        card = page.locator("#messages .message", has=page.locator("h3"))
        await card.get_by_role("button", name="Modify").click(timeout=20_000)
        await expect(page.get_by_role("dialog").get_by_role("combobox")).to_be_visible(timeout=20_000)
        assert await hindrances(page) == []
        await page.keyboard.press("Escape")
        await card.get_by_role("button", name="Confirm").click()
        assert await hindrances(page) == []
        await page.get_by_role("dialog").get_by_role("button", name="Move it").click()
        await card.locator(".thread-link").click(timeout=20_000)
        await expect(page.locator("#thread")).to_contain_text("Move succeeded", timeout=40_000)
        assert await hindrances(page) == []

        await page.get_by_role("button", name="vm-migrate, Home").click()
        await expect(page.locator("#home")).to_contain_text("VM moves", timeout=20_000)
        assert await hindrances(page) == []

        phone = await browser.new_page(viewport=PHONE, color_scheme=scheme)
        await phone.goto(f"{stage.slack.url}/")
        await phone.get_by_role("button", name="Cluster", exact=True).click()
        assert await hindrances(phone) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_every_card_in_the_gallery_has_no_serious_finding(browser: Browser, scheme: Scheme) -> None:
    gallery = Gallery()
    await gallery.start()
    try:
        page = await browser.new_page(viewport=WIDE, color_scheme=scheme)
        await page.goto(f"{gallery.url}/")
        await page.wait_for_selector("[data-drawn]")
        assert await hindrances(page) == []
    finally:
        await gallery.stop()
