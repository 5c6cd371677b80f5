"""The gallery holds every card that the tests know, and what it shows is what Slack would take."""

from bot.sandbox.gallery import cold, extreme, later, live
from bot.sandbox.gallery.exhibits import chapters
from bot.sandbox.slack.blockkit import check_message, check_view

ALL = {name: exhibit for samples in chapters().values() for exhibit in samples for name in [exhibit["name"]]}


def test_every_sample_hangs_in_the_gallery_under_a_name_of_its_own() -> None:
    samples = [*live.GALLERY, *cold.GALLERY, *later.GALLERY, *extreme.GALLERY]
    assert set(samples) <= set(ALL)
    assert len(ALL) == sum(map(len, chapters().values()))


def test_slack_would_take_every_message_and_form() -> None:
    for exhibit in ALL.values():
        for message in exhibit.get("messages", []):
            check_message(message["blocks"])
        if "view" in exhibit:
            check_view(exhibit["view"])


def test_the_first_words_of_a_card_say_with_a_sign_and_a_word_what_it_is() -> None:
    for make in (*live.GALLERY.values(), *cold.GALLERY.values(), *later.GALLERY.values()):
        card = next(message for message in ALL[make.__name__]["messages"] if message["slot"] == "card")
        title, first = card["blocks"][0], card["blocks"][1]
        assert title["type"] == "header"
        sign, _, words = first["text"]["text"].partition(" ")
        assert not sign.isascii()
        assert words.startswith("*")


def test_a_message_has_one_primary_button_at_most_and_red_ones_only_where_something_is_lost() -> None:
    for exhibit in ALL.values():
        for message in exhibit.get("messages", []):
            buttons = [each for block in message["blocks"] for each in block.get("elements", []) if "style" in each]
            assert sum(button["style"] == "primary" for button in buttons) <= 1
            red = {button["text"]["text"] for button in buttons if button["style"] == "danger"}
            assert red <= {
                "Force stop",
                "Stop",
                *(["Cancel"] if message["slot"].startswith(("progress", "overdue")) else []),
            }, exhibit["name"]
