"""The sandbox's page in a real browser, with a small scripted Bolt app as its peer."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Locator, Page, ViewportSize, expect
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

import bot.sandbox.slack
from bot.sandbox.slack import SlackSandbox
from tests.stories.browser import PHONE, WIDE, chromium, composer, needs_chromium, say
from tests.stories.scripted_bot import HOSTILE, register

PAGE_FILES = Path(bot.sandbox.slack.__file__).parent / "page"

pytestmark = [pytest.mark.stories, needs_chromium]


@dataclass
class Screens:
    """Opens the page as different people, and keeps what the browser complained about."""

    sandbox: SlackSandbox
    browser: Browser
    handler: AsyncSocketModeHandler
    complaints: list[str] = field(default_factory=list)

    async def open(self, user: str = "dana", viewport: ViewportSize = WIDE, **options: Any) -> Page:
        """A browser window of its own, showing this person's screen."""
        context = await self.browser.new_context(viewport=viewport, **options)
        page = await context.new_page()
        page.set_default_timeout(5000)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda line: self.complaints.append(line.text) if line.type == "error" else None)
        await page.goto(f"{self.sandbox.url}/#as={user}")
        await expect(page.locator("#channel-title")).not_to_be_empty()
        return page


@pytest.fixture
async def screens(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Screens]:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    sandbox = SlackSandbox()
    await sandbox.start()
    app = AsyncApp(client=AsyncWebClient(token=sandbox.bot_token, base_url=sandbox.api_url))
    register(app)
    handler = AsyncSocketModeHandler(app, app_token=sandbox.app_token)
    await handler.connect_async()  # type: ignore[no-untyped-call]  # Bolt ships it without types
    async with chromium() as browser:
        screens = Screens(sandbox, browser, handler)
        yield screens
    await handler.close_async()  # type: ignore[no-untyped-call]  # Bolt ships it without types
    await handler.client.aiohttp_client_session.close()
    await sandbox.stop()
    assert screens.complaints == []


async def ask_for_plan(page: Page) -> Locator:
    """Ask the bot; the message with its card."""
    await say(page, "/vm-migrate web-01 worker-05")
    card = page.locator("#messages .message", has=page.locator("h3"))
    await expect(card).to_have_count(1)
    return card


async def test_the_hint_leads_to_a_plan_and_a_confirmed_move(screens: Screens) -> None:
    page = await screens.open()
    await page.get_by_role("button", name="/vm-migrate web-01 worker-05").click()
    await composer(page).press("Enter")
    card = page.locator("#messages .message", has=page.locator("h3"))
    await expect(card).to_contain_text("Waiting for approval")
    await expect(page.locator("#hint")).to_be_hidden()

    await card.get_by_role("button", name="Confirm").click()
    await page.get_by_role("dialog").get_by_role("button", name="Not yet").click()
    await expect(card).to_contain_text("Waiting for approval")
    await card.get_by_role("button", name="Confirm").click()
    await page.get_by_role("dialog").get_by_role("button", name="Move it").click()

    await expect(card).to_contain_text("Running")
    await expect(card).to_contain_text("(edited)")
    await expect(card).to_have_count(1)
    await card.get_by_role("button", name="1 reply").click()
    await expect(page.get_by_role("complementary", name="Thread")).to_contain_text("Copying memory")


async def test_a_hostile_name_stays_text(screens: Screens) -> None:
    page = await screens.open()
    card = await ask_for_plan(page)
    await expect(card).to_contain_text(HOSTILE)
    await expect(page.locator("img")).to_have_count(0)
    await say(page, HOSTILE)
    await expect(page.locator("#messages")).to_contain_text(HOSTILE)
    await expect(page.locator("img")).to_have_count(0)


async def test_a_card_is_drawn_block_by_block(screens: Screens) -> None:
    page = await screens.open()
    card = await ask_for_plan(page)
    await expect(card.get_by_role("heading")).to_have_text("Move web-01 to worker-05")
    await expect(card.locator(".section-field")).to_have_count(4)
    await expect(card.get_by_role("columnheader")).to_have_text(["Node", "CPU", "Memory"])
    await expect(card.locator("td.right").first).to_have_text("62 % → 54 %")
    await expect(card.locator(".mention-mine")).to_have_text("@Dana Flores")
    await expect(card.locator(".block-context s")).to_have_text("cordoned")
    await expect(card.locator("time").nth(1)).to_contain_text("2025")


async def test_a_field_error_shows_at_its_field_and_a_reload_loses_nothing(screens: Screens) -> None:
    page = await screens.open()
    card = await ask_for_plan(page)
    await card.get_by_role("button", name="Modify").click()
    dialog = page.get_by_role("dialog", name="Modify the plan")
    await dialog.get_by_role("combobox", name="Target node").press_sequentially("01")
    await dialog.get_by_role("option", name="worker-01").click()
    await dialog.get_by_role("textbox", name="Reason").fill("patch day")
    await dialog.get_by_role("button", name="Save").click()
    await expect(dialog.get_by_role("alert")).to_have_text("web-01 already runs on worker-01.")

    await page.reload()
    await expect(dialog.get_by_role("textbox", name="Reason")).to_have_value("patch day")
    await expect(dialog.get_by_role("combobox", name="Target node")).to_have_value("worker-01")

    await dialog.get_by_role("combobox", name="Target node").fill("05")
    await dialog.get_by_role("option", name="worker-05").click()
    await dialog.get_by_role("button", name="Save").click()
    await expect(dialog).to_be_hidden()


async def test_a_modal_closes_with_escape(screens: Screens) -> None:
    page = await screens.open()
    card = await ask_for_plan(page)
    await card.get_by_role("button", name="Modify").click()
    await expect(page.get_by_role("dialog")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_be_hidden()
    assert screens.sandbox.modals_of("dana") == []


async def test_another_person_sees_the_plan_but_not_what_was_for_one(screens: Screens) -> None:
    page = await screens.open()
    card = await ask_for_plan(page)
    await card.get_by_role("combobox", name="Other node").select_option("worker-03")
    private = page.locator(".message.ephemeral")
    await expect(private).to_contain_text("You picked worker-03")
    await expect(private).to_contain_text("Only visible to you")

    await page.locator("#me").click()
    await page.get_by_role("menuitemradio", name="Ravi Iyer").click()
    await expect(page.locator("#me")).to_contain_text("Ravi Iyer")
    await expect(page.locator("#messages h3")).to_have_text("Move web-01 to worker-05")
    await expect(private).to_have_count(0)

    await page.go_back()
    await expect(private).to_have_count(1)
    await private.get_by_role("button", name="Dismiss").click()
    await expect(private).to_have_count(0)


async def test_a_channel_out_of_sight_gets_an_unread_mark(screens: Screens) -> None:
    ravi = await screens.open("ravi")
    dana = await screens.open("dana")
    await ravi.get_by_role("button", name="sre", exact=True).click()
    await expect(ravi.locator("#channel-title")).to_have_text("#sre")
    await say(dana, "@sre please look")
    unread = ravi.get_by_role("button", name="ops, 1 unread")
    await expect(unread).to_be_visible()
    await unread.click()
    await expect(ravi.locator("#messages .mention-mine")).to_have_text("@sre")
    await expect(unread).to_have_count(0)


async def test_a_bot_that_is_gone_is_said_in_slacks_words(screens: Screens) -> None:
    page = await screens.open()
    await expect(page.locator("#presence")).to_have_text("vm-migrate is connected")
    await screens.handler.disconnect_async()  # type: ignore[no-untyped-call]  # Bolt ships it without types
    await expect(page.locator("#presence")).to_have_text("vm-migrate is not connected")
    await say(page, "/vm-migrate web-01 worker-05")
    await expect(page.locator(".toast")).to_contain_text('/vm-migrate failed with the error "dispatch_failed"')
    await expect(composer(page)).to_have_value("/vm-migrate web-01 worker-05")


async def test_a_command_in_a_thread_is_refused(screens: Screens) -> None:
    page = await screens.open()
    await say(page, "@vm-migrate hello")
    await page.get_by_role("button", name="1 reply").click()
    thread = page.get_by_role("complementary", name="Thread")
    await expect(thread).to_contain_text("You said: @vm-migrate hello")
    await thread.get_by_role("textbox").fill("/vm-migrate web-01")
    await thread.get_by_role("textbox").press("Enter")
    await expect(page.locator(".toast")).to_contain_text("/vm-migrate is not supported in threads. Sorry!")


async def test_the_keyboard_alone_is_enough(screens: Screens) -> None:
    page = await screens.open()
    await composer(page).focus()
    await page.keyboard.type("/vm-m")
    await expect(page.get_by_role("option", name="/vm-migrate")).to_be_visible()
    await page.keyboard.press("Tab")
    await page.keyboard.type("help")
    await page.keyboard.press("Enter")
    await expect(page.locator(".message.ephemeral")).to_contain_text("/vm-migrate <vm> <node>")
    await page.keyboard.press("ArrowUp")
    await expect(composer(page)).to_have_value("/vm-migrate help")
    await page.keyboard.press("ArrowDown")
    await expect(composer(page)).to_have_value("")


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_a_phone_shows_everything_without_scrolling_sideways(screens: Screens, scheme: str) -> None:
    page = await screens.open(viewport=PHONE, color_scheme=scheme, is_mobile=True, has_touch=True)
    card = await ask_for_plan(page)
    await expect(card.get_by_role("button", name="Confirm")).to_be_in_viewport()
    assert await page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    await card.get_by_role("button", name="Modify").click()
    await expect(page.get_by_role("dialog").get_by_role("button", name="Save")).to_be_in_viewport()
    await page.get_by_role("dialog").get_by_role("button", name="Back").click()
    await page.get_by_role("button", name="Channels").click()
    await page.get_by_role("button", name="random").click()
    await expect(page.locator("#channel-title")).to_have_text("#random")


async def test_nothing_outside_this_machine_is_asked_for(screens: Screens) -> None:
    page = await screens.open()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    await page.reload()
    await ask_for_plan(page)
    assert asked
    assert [url for url in asked if not url.startswith(screens.sandbox.url)] == []


MRKDWN = [
    ("*bold* _italic_ ~gone~ `code`", "<strong>bold</strong> <em>italic</em> <s>gone</s> <code>code</code>"),
    ("*bold _both_*", "<strong>bold <em>both</em></strong>"),
    ("snake_case_name and 2*3*4", "snake_case_name and 2*3*4"),
    ("`*not bold*`", "<code>*not bold*</code>"),
    ("&lt;b&gt; &amp;amp;", "&lt;b&gt; &amp;amp;"),
    ("12:00:01 :no_such_emoji:", "12:00:01 :no_such_emoji:"),
    ("a\nb", "a<br>b"),
    ("&gt; one\n> two\nthree", "<blockquote>one<br>two</blockquote>three"),
    ("```\n*raw* &lt;x&gt;\n```\nafter", "<pre><code>*raw* &lt;x&gt;</code></pre>after"),
    ("```never closed", "```never closed"),
    (
        "<https://x.example/?a=1&amp;b|label>",
        '<a href="https://x.example/?a=1&amp;b" target="_blank" rel="noopener noreferrer">label</a>',
    ),
    ("<javascript:alert(1)|click>", "<span>click</span>"),
    ("<@U0RAVI00001>", '<span class="mention">@Ravi Iyer</span>'),
    ("<@U0DANA00001>", '<span class="mention mention-mine">@Dana Flores</span>'),
    ("<#C0OPS000001> <!here>", '<span class="mention">#ops</span> <span class="mention mention-mine">@here</span>'),
    ("<!subteam^S0SRE000001>", '<span class="mention">@sre</span>'),
    ("<!date^1766000000^{unknown}|the fallback>", "<time>the fallback</time>"),
    ("<!date^1766000000^{date_num}|x>", "<time>2025-12-17</time>"),
]


async def test_mrkdwn_becomes_the_marks_it_means_and_nothing_else(screens: Screens) -> None:
    page = await screens.open()
    render = """async (text) => {
        const { mrkdwn } = await import("/page/mrkdwn.js");
        const { Store } = await import("/page/store.js");
        const { screen } = await import("/page/api.js");
        const store = new Store();
        store.reset(await screen("dana"));
        const box = document.createElement("div");
        box.append(...mrkdwn(text, store.names));
        return box.innerHTML;
    }"""
    for text, expected in MRKDWN:
        assert await page.evaluate(render, text) == expected, text


def test_no_script_of_the_page_can_turn_text_into_markup() -> None:
    danger = re.compile(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|\beval\b|new Function|srcdoc"
    )
    found = [path.name for path in PAGE_FILES.glob("*.js") if danger.search(path.read_text())]
    assert found == []


def test_every_file_of_the_page_says_why_it_exists() -> None:
    for path in PAGE_FILES.glob("*.js"):
        assert path.read_text().startswith("// "), path.name
    for path in PAGE_FILES.glob("*.css"):
        assert path.read_text().startswith("/* "), path.name
