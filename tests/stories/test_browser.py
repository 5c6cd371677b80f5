"""The first move in a browser with the real bot: what a team sees from the command to the report.

`SCREENSHOTS=folder make stories` also keeps a picture of each scene.
"""

import os
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest
from playwright.async_api import Browser, ConsoleMessage, Locator, Page, ViewportSize, expect

from bot.sandbox.stage import Stage
from tests.stories.browser import PHONE, WIDE, chromium, composer, needs_chromium, say

pytestmark = [pytest.mark.stories, needs_chromium]

SPEED = 4.0
SOON = 15_000
"""Milliseconds for the bot, the cluster and a busy machine."""

Scheme = Literal["light", "dark"]
SCREENS = [
    pytest.param(WIDE, "light", id="desktop-light"),
    pytest.param(WIDE, "dark", id="desktop-dark"),
    pytest.param(PHONE, "light", id="phone-light"),
    pytest.param(PHONE, "dark", id="phone-dark"),
]

expect.set_options(timeout=SOON)


@dataclass
class Screens:
    """Opens the page as different people, and keeps what the browser complained about."""

    stage: Stage
    browser: Browser
    pictures: Path | None
    complaints: list[str] = field(default_factory=list)

    async def open(self, user: str, viewport: ViewportSize, scheme: Scheme) -> Page:
        is_phone = viewport["width"] < 500
        context = await self.browser.new_context(
            viewport=viewport, color_scheme=scheme, is_mobile=is_phone, has_touch=is_phone
        )
        page = await context.new_page()
        page.set_default_timeout(SOON)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda line: self.complaints.append(line.text) if _is_complaint(line) else None)
        await page.goto(f"{self.stage.slack.url}/#as={user}")
        await expect(page.locator("#presence")).to_have_text("vm-migrate is connected")
        return page

    async def picture(self, page: Page, name: str) -> None:
        """Keep what is on the screen; and nothing may be wider than it."""
        assert await page.evaluate("document.documentElement.scrollWidth") <= (page.viewport_size or WIDE)["width"]
        if self.pictures:
            await page.screenshot(path=self.pictures / f"{name}.png")


def _is_complaint(line: ConsoleMessage) -> bool:
    """The page asks whether there is a console, and this stage has none."""
    return line.type == "error" and not line.location["url"].endswith("/console/state")


@pytest.fixture
async def screens(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Screens]:
    wanted = os.environ.get("SCREENSHOTS")
    folder = Path(wanted) / request.node.name if wanted else None
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
    async with Stage(tmp_path, speed=SPEED) as stage, chromium() as browser:
        await stage.start_bot()
        screens = Screens(stage, browser, folder)
        yield screens
    assert screens.complaints == []


def card_of(page: Page) -> Locator:
    """The plan's card in the channel."""
    return page.locator("#messages .message", has=page.get_by_role("heading", name="Move plan"))


def thread_of(page: Page) -> Locator:
    return page.get_by_role("complementary", name="Thread")


async def become(page: Page, person: str) -> None:
    """Sit down as somebody else; on a phone the people are one screen back."""
    back = page.get_by_role("button", name="Channels", exact=True)
    if await back.is_visible():
        await back.click()
    await page.locator("#me").click()
    await page.get_by_role("menuitemradio", name=person).click()
    await expect(page.locator("#me")).to_contain_text(person)


async def enter(page: Page, channel: str) -> None:
    back = page.get_by_role("button", name="Channels", exact=True)
    if await back.is_visible():
        await back.click()
    await page.locator("#channels").get_by_role("button", name=channel).click()
    await expect(page.locator("#channel-title")).to_have_text(f"#{channel}")


@pytest.mark.parametrize(("viewport", "scheme"), SCREENS)
async def test_the_first_move_from_the_command_to_the_report(
    screens: Screens, viewport: ViewportSize, scheme: Scheme
) -> None:
    page = await screens.open("dana", viewport, scheme)
    await page.evaluate("window.neverReloaded = true")
    await say(page, "/vm-migrate web-01 worker-04")
    card = card_of(page)
    await expect(card).to_contain_text("Waiting for Confirm")
    await expect(card).to_contain_text("worker-04")
    await screens.picture(page, "1-card")

    await modify(page, card, screens)
    await expect(card).to_contain_text("worker-05")
    await expect(card).not_to_contain_text("worker-04")
    await expect(card).to_have_count(1)
    await screens.picture(page, "3-card-modified")

    await confirm(page, card, screens)
    await follow(page, card, screens)

    await thread_of(page).get_by_role("button", name="Delete migration").click()
    await page.get_by_role("dialog").get_by_role("button", name="Delete it").click()
    await expect(thread_of(page)).to_contain_text("was deleted")
    await expect(thread_of(page).get_by_role("button", name="Delete migration")).to_have_count(0)
    await screens.picture(page, "7-cleaned-up")
    await page.get_by_role("button", name="Close the thread").click()
    await expect(card).to_contain_text("Done")
    await expect(card.get_by_role("button", name="Confirm")).to_have_count(0)
    await screens.picture(page, "8-card-done")
    assert await page.evaluate("window.neverReloaded") is True


async def modify(page: Page, card: Locator, screens: Screens) -> None:
    """Choose worker-05 instead."""
    await card.get_by_role("button", name="Modify").click()
    dialog = page.get_by_role("dialog", name="Modify the plan")
    await expect(dialog.get_by_label("VM", exact=True)).to_have_value("web-01")
    await screens.picture(page, "2-modal")
    await expect(dialog.get_by_label("Target node")).to_contain_text("GiB free")
    await expect(dialog).to_contain_text("worker-06 (cordoned)")
    await expect(dialog).to_contain_text("It keeps running")
    await dialog.get_by_label("Target node").select_option("worker-05")
    await dialog.get_by_label("Why").fill("worker-01 is hot <!here>")
    await screens.picture(page, "2-modal-filled")
    await dialog.get_by_role("button", name="Plan again").click()
    await expect(dialog).to_be_hidden()
    await expect(card).to_contain_text("worker-01 is hot <!here>")


async def confirm(page: Page, card: Locator, screens: Screens) -> None:
    """Not yet; then yes."""
    question = page.get_by_role("dialog", name="Move web-01?")
    await card.get_by_role("button", name="Confirm").click()
    await expect(question).to_contain_text("worker-05")
    await screens.picture(page, "4-question")
    await question.get_by_role("button", name="Not yet").click()
    await expect(card).to_contain_text("Waiting for Confirm")
    await card.get_by_role("button", name="Confirm").click()
    await question.get_by_role("button", name="Move it").click()


async def follow(page: Page, card: Locator, screens: Screens) -> None:
    """The phases appear where one looks, and then the report."""
    await card.get_by_role("button", name="View thread").click()
    thread = thread_of(page)
    await expect(thread).to_contain_text("Scheduling")
    await expect(thread).to_contain_text("copies the memory")
    await screens.picture(page, "5-progress")
    await expect(thread).to_contain_text("Move succeeded")
    await expect(thread.get_by_role("button", name="Delete migration")).to_be_in_viewport()
    await screens.picture(page, "6-report")


@pytest.mark.parametrize(("viewport", "scheme"), [SCREENS[0], SCREENS[2]])
async def test_a_partner_sees_the_plan_and_is_refused(screens: Screens, viewport: ViewportSize, scheme: Scheme) -> None:
    page = await screens.open("dana", viewport, scheme)
    await enter(page, "shared-acme")
    await say(page, "/vm-migrate web-01 worker-05")
    await expect(card_of(page)).to_contain_text("Waiting for Confirm")

    await become(page, "Otto Brandt")
    await enter(page, "shared-acme")
    await card_of(page).get_by_role("button", name="Confirm").click()
    await page.get_by_role("dialog").get_by_role("button", name="Move it").click()
    refusal = page.locator(".message.ephemeral")
    await expect(refusal).to_contain_text("Only visible to you")
    await expect(refusal).to_contain_text("workspace")
    await screens.picture(page, "refused")
    await expect(card_of(page)).to_contain_text("Waiting for Confirm")

    await become(page, "Dana Flores")
    await enter(page, "shared-acme")
    await expect(card_of(page)).to_contain_text("Waiting for Confirm")
    await expect(refusal).to_have_count(0)


@pytest.mark.parametrize(("viewport", "scheme"), [SCREENS[1], SCREENS[3]])
async def test_a_wrong_word_and_a_blocked_plan_are_told_where_one_looks(
    screens: Screens, viewport: ViewportSize, scheme: Scheme
) -> None:
    page = await screens.open("dana", viewport, scheme)
    await say(page, "/vm-migrate web-1 worker-05")
    refusal = page.locator(".message.ephemeral").last
    await expect(refusal).to_contain_text("web-01")
    await expect(refusal).to_be_in_viewport()
    await say(page, "/vm-migrate web-01 worker-06")
    await expect(card_of(page)).to_contain_text("Blocked")
    await expect(card_of(page).get_by_role("button", name="Confirm")).to_have_count(0)
    await expect(card_of(page).get_by_role("button", name="Modify")).to_be_in_viewport()
    await screens.picture(page, "blocked")
    await say(page, "/vm-migrate help")
    await expect(page.locator(".message.ephemeral").last).to_contain_text("/vm-migrate web-01 worker-05")
    await screens.picture(page, "help")
    await expect(composer(page)).to_have_value("")
