"""What Slack sends and what our buttons carry: tolerant of more, strict about what is used."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import BotError
from bot.record import Doubt
from handlers.payloads import Click, SlashCommand, Submission
from handlers.values import DoubtRef, ModalState, MoveRef, PlanRef, VmRef

COMMAND: dict[str, Any] = {"user_id": "U1", "channel_id": "C1", "text": "web-01", "team_id": "T1", "new": {"x": 1}}
CLICK: dict[str, Any] = {
    "user": {"id": "U1", "team_id": "T1", "name": "dana"},
    "container": {"channel_id": "C1", "message_ts": "1.2", "is_ephemeral": False},
    "actions": [{"action_id": "plan_confirm", "value": "x", "block_id": "b"}],
    "team": None,
}


def without(body: dict[str, Any], *path: str) -> dict[str, Any]:
    first, *rest = path
    return {
        key: without(value, *rest) if rest and key == first else value
        for key, value in body.items()
        if rest or key != first
    }


def test_unknown_fields_do_no_harm() -> None:
    assert SlashCommand.read(COMMAND).text == "web-01"
    assert Click.read(CLICK).user.team_id == "T1"


@pytest.mark.parametrize("path", [("user",), ("user", "id"), ("container", "channel_id"), ("actions",)])
def test_a_click_without_what_we_need_is_refused_in_words(path: tuple[str, ...]) -> None:
    with pytest.raises(BotError) as refused:
        Click.read(without(CLICK, *path))
    assert refused.value.code == "bad-payload"


@pytest.mark.parametrize("user", ["", "dana", "<@U1>", "U1>"])
def test_a_user_id_that_is_none_is_refused(user: str) -> None:
    with pytest.raises(BotError):
        SlashCommand.read(COMMAND | {"user_id": user})


def test_the_team_of_a_clicker_may_be_missing_but_not_wrong() -> None:
    assert Click.read(CLICK | {"user": {"id": "U1", "team_id": None}}).user.team_id is None
    with pytest.raises(BotError):
        Click.read(CLICK | {"user": {"id": "U1", "team_id": "home"}})


def test_a_reply_is_in_a_thread_and_a_root_is_not() -> None:
    root = Click.read(CLICK | {"container": CLICK["container"] | {"thread_ts": "1.2"}})
    reply = Click.read(CLICK | {"container": CLICK["container"] | {"thread_ts": "1.1"}})
    assert (root.on_a_card, reply.on_a_card) == (True, False)


def test_inputs_are_read_by_block() -> None:
    values = {
        "a": {"x": {"type": "plain_text_input", "value": "typed"}},
        "b": {"y": {"type": "static_select", "selected_option": {"value": "chosen", "text": {}}}},
        "c": {"z": {"type": "plain_text_input", "value": None}},
    }
    submission = Submission.read({"user": {"id": "U1"}, "view": {"state": {"values": values}}})
    assert [submission.entered(block) for block in "abcd"] == ["typed", "chosen", "", ""]


@given(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{0,40}", fullmatch=True), st.integers(1, 10**6), st.integers(0, 99))
def test_what_a_button_carries_comes_back(plan: str, revision: int, move: int) -> None:
    for value in (
        PlanRef(plan=plan, revision=revision),
        MoveRef(plan=plan, revision=revision, move=move),
        DoubtRef(plan=plan, revision=revision, move=move, doubt=Doubt.STARTING),
        ModalState(plan=plan, revision=revision, channel="C1"),
    ):
        assert type(value).load(value.dump()) == value
        assert len(value.dump()) <= 2000


@given(st.text(min_size=1, max_size=253), st.text(min_size=1, max_size=253))
def test_a_vm_on_a_list_comes_back(namespace: str, vm: str) -> None:
    value = VmRef(namespace=namespace, vm=vm)
    assert VmRef.load(value.dump()) == value


@pytest.mark.parametrize("doubt", ["", "landing", None])
def test_a_doubt_that_does_not_exist_is_refused(doubt: str | None) -> None:
    value = DoubtRef(plan="p1", revision=1, move=0, doubt=Doubt.STOPPING).model_dump() | {"doubt": doubt}
    with pytest.raises(BotError) as refused:
        DoubtRef.load(json.dumps(value))
    assert refused.value.code == "bad-button"


@given(st.text())
def test_any_other_value_is_refused_in_words(text: str) -> None:
    with pytest.raises(BotError) as refused:
        MoveRef.load(text)
    assert refused.value.code == "bad-button"
