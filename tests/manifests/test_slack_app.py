"""Slack's app manifest names exactly what the code uses, within Slack's limits."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from handlers.ids import CommandName, EventName
from handlers.requesturl import PATH
from handlers.scopes import NEEDED, missing

MANIFEST = Path(__file__).parents[2] / "manifests" / "slack-app.yaml"


@pytest.fixture(scope="module")
def app() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(MANIFEST.read_text())
    return loaded


def test_its_commands_are_those_in_the_code(app: dict[str, Any]) -> None:
    commands = app["features"]["slash_commands"]
    assert [command["command"] for command in commands] == [name.value for name in CommandName]
    for command in commands:
        # github.com/slackapi/manifest-schema, app-manifests.v1.features.slash_commands
        assert len(command["command"]) <= 32
        assert 1 <= len(command["description"]) <= 2000
        assert command["should_escape"] is False, "names would arrive as links"


def test_its_scopes_are_those_in_the_code(app: dict[str, Any]) -> None:
    scopes = app["oauth_config"]["scopes"]
    assert scopes.keys() == {"bot"}, "the bot acts for itself, never for a person"
    assert sorted(scopes["bot"]) == sorted(NEEDED)


def test_its_events_are_those_in_the_code(app: dict[str, Any]) -> None:
    assert app["settings"]["event_subscriptions"] == {"bot_events": [name.value for name in EventName]}


def test_it_uses_socket_mode_and_buttons(app: dict[str, Any]) -> None:
    assert app["settings"]["socket_mode_enabled"] is True
    assert app["settings"]["interactivity"] == {"is_enabled": True}
    assert not any("url" in command for command in app["features"]["slash_commands"])


def test_its_words_fit(app: dict[str, Any]) -> None:
    assert len(app["display_information"]["name"]) <= 35
    assert len(app["display_information"]["description"]) <= 140
    assert len(app["features"]["bot_user"]["display_name"]) <= 80


def test_a_missing_scope_is_found_whatever_the_header_looks_like() -> None:
    assert missing(",".join(NEEDED)) == ()
    assert missing(", ".join(scope for scope in NEEDED if scope != "commands")) == ("commands",)
    assert missing("") == tuple(NEEDED)


def without_addresses(value: Any) -> Any:
    """The same without what only one of the two ways needs."""
    if isinstance(value, dict):
        left_out = ("url", "request_url", "socket_mode_enabled")
        return {key: without_addresses(inner) for key, inner in value.items() if key not in left_out}
    return [without_addresses(inner) for inner in value] if isinstance(value, list) else value


def test_the_one_for_http_mode_differs_in_its_addresses_only(app: dict[str, Any]) -> None:
    http = yaml.safe_load(MANIFEST.with_name("slack-app-http.yaml").read_text())
    assert without_addresses(http) == without_addresses(app)
    addresses = [
        *(command["url"] for command in http["features"]["slash_commands"]),
        http["settings"]["interactivity"]["request_url"],
        http["settings"]["event_subscriptions"]["request_url"],
    ]
    assert all(url.startswith("https://") and url.endswith(PATH) for url in addresses)
    assert http["settings"]["socket_mode_enabled"] is False
