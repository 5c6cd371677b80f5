"""Asking, on a phone: what may mean two things, which namespace, what VMs there are, and a node to choose.

`SCREENSHOTS=folder` keeps a picture of each scene.
"""

import pytest
from playwright.async_api import Page, expect

from tests.stories.browser import PHONE, needs_chromium, say
from tests.stories.test_browser import Screens, screens

__all__ = ["screens"]

pytestmark = [pytest.mark.stories, needs_chromium]


async def answered(page: Page, text: str) -> None:
    """The newest answer that only this person sees."""
    await expect(page.locator("#messages .message").last).to_contain_text(text)


async def test_a_phone_shows_questions_lists_and_the_form_in_full(screens: Screens) -> None:
    page = await screens.open("dana", PHONE, "light")
    await say(page, "/vm-migrate web-01 on worker-05")
    await answered(page, "where it goes, or where it is now")
    await screens.picture(page, "1-ambiguous")
    await say(page, "/vm-migrate cache-01 worker-05")
    await answered(page, "Which one do you mean")
    await screens.picture(page, "2-namespace")
    await say(page, "/vm-inventory production")
    await answered(page, "database-01")
    await screens.picture(page, "3-inventory")
    await say(page, "/vm-migrate web_01 worker-05")
    await answered(page, "Did you mean: /vm-migrate web-01 to worker-05")
    await screens.picture(page, "4-mistake")
    await say(page, "/vm-migrate help")
    await answered(page, "Here you may")
    await screens.picture(page, "5-help")
    await say(page, "/vm-migrate web-01 worker-04 because worker-01 is hot")
    card = page.locator("#messages .message", has=page.get_by_role("heading", name="Move plan"))
    await card.get_by_role("button", name="Modify").click()
    dialog = page.get_by_role("dialog", name="Modify the plan")
    await expect(dialog.get_by_label("Why")).to_have_value("worker-01 is hot")
    await screens.picture(page, "6-form")
    await dialog.get_by_label("Why").scroll_into_view_if_needed()
    await screens.picture(page, "7-form-below")
    await dialog.get_by_label("Target node").select_option("worker-05")
    await dialog.get_by_role("button", name="Plan again").click()
    await expect(dialog).to_be_hidden()
    await say(page, "/vm-migrate status")
    await answered(page, "waits for its Confirm")
    await screens.picture(page, "8-status")
    await card.get_by_role("button", name="1 reply").click()
    await expect(page.get_by_role("complementary", name="Thread")).to_contain_text("changed the plan")
    await screens.picture(page, "9-thread")
