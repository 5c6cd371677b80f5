"""What the documentation promises about settings: defaults, names, and that secrets never print."""

import ast
import inspect
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from bot import settings
from bot.settings import Settings, child_environment

PROMISED: dict[str, Any] = {
    "slack_bot_token": SecretStr(""),
    "slack_app_token": SecretStr(""),
    "slack_signing_secret": SecretStr(""),
    "slack_listen": "",
    "slack_api_url": "https://slack.com/api/",
    "kubeconfig": None,
    "namespaces": "",
    "channel_namespaces": "",
    "database_url": "sqlite+aiosqlite:///vm-migrate-bot.db",
    "plan_valid_minutes": 30,
    "approved_valid_minutes": 10,
    "live_limit_minutes": 10,
    "late_start_minutes": 15,
    "start_answer_minutes": 5,
    "pin_reminder_hours": 24,
    "policy_file": None,
    "audit": "",
    "audit_channel": "",
    "allow_guests": False,
    "allow_shared_channels": False,
    "requests_per_minute": 10,
    "channel_requests_per_minute": 30,
    "open_plans": 20,
    "log_level": "INFO",
    "log_format": "text",
    "operations_listen": "",
}
"""A change here is a change for everybody who runs the bot: it belongs in the changelog."""

DURATIONS = {
    "plan_valid": timedelta(minutes=30),
    "approved_valid": timedelta(minutes=10),
    "late_start": timedelta(minutes=15),
    "live_limit": timedelta(minutes=10),
    "start_answer": timedelta(minutes=5),
    "pin_reminder": timedelta(hours=24),
}

NAMES = {"slack_bot_token", "slack_app_token", "slack_signing_secret", "slack_api_url", "kubeconfig"}
"""Fields with the names that Slack's and Kubernetes' own tools use."""

SECRETS = ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET")


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for field in Settings.model_fields:
        monkeypatch.delenv(variable(field), raising=False)


def variable(field: str) -> str:
    return field.upper() if field in NAMES else f"VM_MIGRATE_{field.upper()}"


def test_every_default_is_the_promised_one() -> None:
    assert Settings().model_dump() == PROMISED


def test_every_duration_has_the_unit_of_its_field() -> None:
    properties = {name for name, value in vars(Settings).items() if isinstance(value, property)}
    found = properties - {"namespace_by_channel", "namespace_names", "secrets"}
    assert found == DURATIONS.keys()
    assert {name: getattr(Settings(), name) for name in found} == DURATIONS


def test_every_field_says_what_it_is() -> None:
    (definition,) = (node for node in ast.parse(inspect.getsource(settings)).body if isinstance(node, ast.ClassDef))
    body = definition.body
    documented = {
        node.target.id
        for node, after in pairwise(body)
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
        if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
        if isinstance(after.value.value, str) and after.value.value.strip()
    }
    assert documented == Settings.model_fields.keys()


GIVEN = {
    "channel_namespaces": "C0OPS000001=production",
    "audit_channel": "C0AUDIT0001",
    "log_level": "DEBUG",
    "log_format": "json",
    "slack_listen": "127.0.0.1:3000",
    "operations_listen": "[::]:9090",
}
"""A value for each field that does not take any text or number."""


@pytest.mark.parametrize("field", PROMISED)
def test_every_field_is_read_from_its_variable(field: str, monkeypatch: pytest.MonkeyPatch) -> None:
    given = GIVEN.get(field) or ("True" if PROMISED[field] is False else "7")
    monkeypatch.setenv(variable(field), given)
    found = getattr(Settings(), field)
    assert str(found.get_secret_value() if isinstance(found, SecretStr) else found).removesuffix(".0") == given


@pytest.mark.parametrize("shown", [repr, str, Settings.model_dump_json], ids=["repr", "str", "json"])
def test_secrets_do_not_print(shown: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SECRETS:
        monkeypatch.setenv(name, "hush-hush")
    assert "hush" not in shown(Settings())


def test_secrets_do_not_print_in_the_error_about_another_field(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SECRETS:
        monkeypatch.setenv(name, "hush-hush")
    monkeypatch.setenv("VM_MIGRATE_PLAN_VALID_MINUTES", "0")
    with pytest.raises(ValidationError, match="plan_valid_minutes") as bad:
        Settings()
    assert "hush" not in str(bad.value) + repr(bad.value)


@pytest.mark.parametrize("field", [name for name in PROMISED if name.endswith(("_minutes", "_hours"))])
@pytest.mark.parametrize("given", ["0", "-1", "soon", "nan"])
def test_a_time_that_is_none_is_refused_by_the_name_of_its_field(
    field: str, given: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable(field), given)
    with pytest.raises(ValidationError, match=field):
        Settings()


def test_settings_do_not_change_while_the_bot_runs() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Settings().log_level = "DEBUG"


def test_a_child_gets_only_the_settings_that_are_meant_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-production")
    monkeypatch.setenv("KUBECONFIG", "/production")
    monkeypatch.setenv("VM_MIGRATE_LOG_LEVEL", "DEBUG")
    monkeypatch.setenv("LANG", "C.UTF-8")
    environment = child_environment({"KUBECONFIG": "/sandbox"})
    assert environment["KUBECONFIG"] == "/sandbox"
    assert environment["LANG"] == "C.UTF-8"
    assert {"SLACK_BOT_TOKEN", "VM_MIGRATE_LOG_LEVEL"}.isdisjoint(environment)


def test_namespaces_are_told_apart_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings().namespace_names == ()
    monkeypatch.setenv("VM_MIGRATE_NAMESPACES", "production, vms,")
    assert Settings().namespace_names == ("production", "vms")


@pytest.mark.parametrize("given", ["9090", "127.0.0.1", "http://127.0.0.1:9090", "localhost:http", "a b:1"])
def test_an_address_without_a_port_is_refused(given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VM_MIGRATE_OPERATIONS_LISTEN", given)
    with pytest.raises(ValidationError, match="operations_listen"):
        Settings()


def test_a_channel_may_have_a_namespace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VM_MIGRATE_CHANNEL_NAMESPACES", "C0OPS000001=production, C0DEV=dev")
    assert Settings().namespace_by_channel == {"C0OPS000001": "production", "C0DEV": "dev"}


@pytest.mark.parametrize("wrong", ["production", "#ops=production", "C0OPS=Production", "C0OPS="])
def test_a_channel_without_its_namespace_stops_the_bot(monkeypatch: pytest.MonkeyPatch, wrong: str) -> None:
    monkeypatch.setenv("VM_MIGRATE_CHANNEL_NAMESPACES", wrong)
    with pytest.raises(ValidationError, match="is not like"):
        Settings()


@pytest.mark.parametrize("field", PROMISED)
def test_the_readme_names_every_setting(field: str) -> None:
    assert f"`{variable(field)}`" in (Path(__file__).parents[1] / "README.md").read_text()
