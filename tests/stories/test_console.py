"""The console beside the chat, in a browser with the real bot: what is seen of a move, of faults and of a drill."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from bot.sandbox.console import Console
from bot.sandbox.stage import Stage
from tests.stories.browser import PHONE, WIDE, chromium, needs_chromium, say

pytestmark = [pytest.mark.stories, needs_chromium]

SOON = 20_000
"""Milliseconds: the bot is a process, and the machine may be busy."""


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    stage = Stage(tmp_path, speed=2)
    console = Console(stage)
    async with stage, console:
        await stage.start_bot()
        yield stage


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as browser:
        yield browser


async def open_page(browser: Browser, stage: Stage) -> Page:
    page = await browser.new_page(viewport=WIDE)
    page.set_default_timeout(SOON)
    await page.goto(f"{stage.slack.url}/")
    await expect(page.locator("#console-nodes > li")).to_have_count(9)
    return page


def node(page: Page, name: str) -> Locator:
    return page.locator(f'[data-node="{name}"]')


def card(page: Page) -> Locator:
    return page.locator("#messages .message", has=page.locator("h3")).last


async def test_a_moving_vm_stands_on_both_nodes_and_then_on_its_target_also_after_a_reload(
    stage: Stage, browser: Browser
) -> None:
    page = await open_page(browser, stage)
    web = page.locator('[data-vm="production/web-01"]')
    await expect(node(page, "worker-01").locator(web)).to_have_text("web-01")
    await page.get_by_role("button", name="×1", exact=True).click()
    await say(page, "/vm-migrate web-01 worker-05")
    await card(page).get_by_role("button", name="Confirm").click(timeout=SOON)
    await page.get_by_role("dialog").get_by_role("button", name="Move it").click()
    await expect(node(page, "worker-05").locator(".vm.arriving")).to_contain_text("web-01", timeout=SOON)
    await expect(node(page, "worker-01").locator(".vm.leaving")).to_contain_text("→ worker-05")
    await page.get_by_role("button", name="×10").click()
    await expect(node(page, "worker-05").locator(web)).to_have_text("web-01", timeout=SOON)

    await page.reload()
    await expect(node(page, "worker-05").locator(web)).to_have_text("web-01")
    await expect(page.get_by_role("button", name="×10")).to_have_attribute("aria-pressed", "true")


async def test_what_is_broken_by_a_button_is_seen_in_the_chat_and_mended_by_it(stage: Stage, browser: Browser) -> None:
    page = await open_page(browser, stage)
    await page.get_by_role("button", name="Cordon worker-05").click()
    await expect(node(page, "worker-05")).to_contain_text("cordoned")
    await say(page, "/vm-migrate web-01 worker-05")
    await expect(card(page)).to_contain_text("worker-05 is cordoned", timeout=SOON)

    await page.get_by_role("button", name="Kill the bot").click()
    await expect(page.locator("#presence")).to_have_text("vm-migrate is not connected")
    await page.get_by_role("button", name="The bot is dead: start it").click()
    await expect(page.locator("#presence")).to_have_text("vm-migrate is connected", timeout=SOON)

    await page.get_by_role("button", name="Stop the API server").click()
    await say(page, "/vm-migrate web-02 worker-04")
    private = page.locator(".message.ephemeral").last
    await expect(private).to_contain_text("does not answer right now", timeout=SOON)
    await page.get_by_role("button", name="The API server is down: bring it back").click()
    await expect(page.get_by_role("button", name="Stop the API server")).to_be_visible()

    await page.get_by_role("button", name="Stop Slack").click()
    await expect(page.locator("#presence")).to_have_text("vm-migrate is not connected")
    await page.get_by_role("button", name="Slack is down: bring it back").click()
    await expect(page.locator("#presence")).to_have_text("vm-migrate is connected", timeout=2 * SOON)


async def test_a_drill_is_practised_by_hand_and_says_that_it_is_passed(stage: Stage, browser: Browser) -> None:
    page = await open_page(browser, stage)
    await page.get_by_role("combobox", name="Drill").select_option("The first move")
    await page.get_by_role("button", name="Practise it").click()
    steps = page.locator(".steps")
    await expect(steps.locator(".step.now").first).to_contain_text("type /vm-migrate web-01 worker-05", timeout=SOON)
    await say(page, "/vm-migrate web-01 worker-04")
    so_far = page.get_by_text("So far: dana sees “Move plan: web-01 → worker-04”, which lacks worker-05.")
    await expect(so_far).to_be_visible(timeout=2 * SOON)
    await card(page).get_by_role("button", name="Cancel").click()
    await say(page, "/vm-migrate web-01 worker-05")
    await expect(steps.locator(".step.now").first).to_contain_text("ravi: press Confirm", timeout=SOON)

    await page.locator("#me").click()
    await page.get_by_role("menuitemradio", name="Ravi Iyer").click()
    await card(page).get_by_role("button", name="Confirm").click()
    await page.get_by_role("dialog").get_by_role("button", name="Move it").click()
    await expect(page.locator(".outcome")).to_have_text("Passed: the outcome is as it should be.", timeout=2 * SOON)

    await page.reload()
    await expect(page.locator(".outcome")).to_be_visible()
    await page.get_by_role("button", name="Close the drill").click()
    await expect(page.get_by_role("combobox", name="Drill")).to_be_visible()


async def test_the_rules_of_a_drill_end_with_it(stage: Stage, browser: Browser) -> None:
    page = await open_page(browser, stage)
    await page.get_by_role("combobox", name="Drill").select_option("The wrong approver")
    await page.get_by_role("button", name="Practise it").click()
    await expect(page.locator(".step.now").first).to_contain_text("type /vm-migrate web-01", timeout=SOON)
    await say(page, "/vm-migrate web-01 worker-05")
    await expect(card(page)).to_contain_text("Needs 1 of @sre", timeout=SOON)
    await page.get_by_role("button", name="Stop the drill").click()
    await expect(page.get_by_role("button", name="Practise it")).to_be_visible(timeout=SOON)
    await say(page, "/vm-migrate web-02 worker-05")
    await expect(card(page)).to_contain_text("needs 1 Confirm from this channel's members", timeout=SOON)


async def test_on_a_phone_the_console_lies_over_the_chat_and_goes_again(stage: Stage, browser: Browser) -> None:
    page = await browser.new_page(viewport=PHONE, color_scheme="dark")
    await page.goto(f"{stage.slack.url}/")
    await expect(page.locator("#console")).to_be_hidden()
    await page.get_by_role("button", name="Cluster", exact=True).click()
    await expect(node(page, "worker-01")).to_be_visible()
    assert await page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    await page.get_by_role("button", name="Hide the cluster").click()
    await expect(page.locator("#composer")).to_be_visible()


async def test_the_home_tab_tells_each_what_waits_for_them_and_a_reload_stays_there(
    stage: Stage, browser: Browser
) -> None:
    page = await open_page(browser, stage)
    await say(page, "/vm-migrate web-01 worker-05")
    await expect(card(page)).to_contain_text("Waiting for Confirm", timeout=SOON)
    home = page.locator("#home")
    await page.get_by_role("button", name="vm-migrate, Home").click()
    await expect(home).to_contain_text("production/web-01", timeout=SOON)
    await expect(page.locator("#composer")).to_be_hidden()
    await page.reload()
    await expect(home).to_contain_text("Waiting for your Confirm")

    await page.locator("#me").click()
    await page.get_by_role("menuitemradio", name="Lena Novak").click()
    await page.get_by_role("button", name="vm-migrate, Home").click()
    await expect(home).to_contain_text("Nothing waits for you", timeout=SOON)
    await page.get_by_role("button", name="random").click()
    await expect(page.locator("#channel-title")).to_have_text("#random")
