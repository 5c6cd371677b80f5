"""The Modify form: what it shows, what it reads back, and its way over the wire."""

import asyncio
from collections.abc import Callable

import pytest

from bot.errors import BotError
from bot.ports import NodeChoice
from bot.record import Doubt
from bot.request import MoveRequest, MoveType
from bot.sandbox.gallery.cold import cold_asking_start
from handlers import modals, refusal
from handlers.ids import ActionId, BlockId
from handlers.values import ElsewhereState, ModalState
from handlers.views import Views
from tests.facts import proposed
from tests.sandbox_slack.callers import until
from tests.slack.bot import Bot
from tests.slack.limits import problems

STATE = ModalState(plan="p1", revision=1, channel="C0OPS")
NODES = (
    NodeChoice("worker-01", usable=True, why=""),
    NodeChoice("worker-05", usable=True, why=""),
    NodeChoice("worker-06", usable=False, why="cordoned"),
)


def form(**fields: str) -> Callable[[BlockId], str]:
    """What somebody entered, by the last part of the block ids."""
    return lambda block_id: fields.get(block_id.value.removeprefix("field_"), "")


def errors(**fields: str) -> dict[str, str]:
    with pytest.raises(refusal.FieldErrors) as wrong:
        modals.read(form(**fields))
    return wrong.value.errors


@pytest.mark.parametrize("many", [3, 99, 100, 101, 700])
def test_the_form_stays_within_slacks_limits_however_many_nodes_there_are(many: int) -> None:
    nodes = [NodeChoice(f"worker-{n}." + "x" * 130, usable=n % 2 == 0, why="cordoned") for n in range(many)]
    view = modals.modify(proposed(), nodes, STATE)
    assert [problem for problem in problems(view["blocks"]) if problem != "message too large"] == []
    assert len(str(view)) < 250_000
    assert len(view["title"]["text"]) <= 24
    assert len(view["private_metadata"]) <= 3000


def test_the_form_looks_like_this(matches_snapshot: Callable[[str, object], None]) -> None:
    matches_snapshot("modal_modify", modals.modify(proposed(), NODES, STATE))
    matches_snapshot("modal_loading", refusal.loading(modals.title(fresh=False)))
    matches_snapshot("modal_refused", refusal.form(BotError("old-card", "It was changed <meanwhile>.", "Look again.")))


ELSEWHERE = ElsewhereState(plan="p1", revision=1, move=0, doubt=Doubt.STARTING, channel="C0OPS")


def test_another_node_is_chosen_among_those_that_take_pods_but_the_one_that_failed(
    matches_snapshot: Callable[[str, object], None],
) -> None:
    view = modals.choosing(cold_asking_start(), NODES, ELSEWHERE)
    matches_snapshot("modal_elsewhere", view)
    assert "worker-01" in str(view)
    assert '"worker-06"' not in str(view)
    assert "does not start on `worker-05`" in str(view)
    assert problems(view["blocks"]) == []


def test_without_another_node_the_form_says_so() -> None:
    view = modals.choosing(cold_asking_start(), NODES[1:], ELSEWHERE)
    assert "no other node" in str(view)
    assert "submit" not in view


def test_an_unusable_node_is_marked_with_why() -> None:
    assert "worker-06 (cordoned)" in str(modals.modify(proposed(), NODES, STATE))


def test_a_target_that_has_left_the_cluster_is_still_shown() -> None:
    assert "worker-05 (not in the cluster)" in str(modals.modify(proposed(), NODES[:1], STATE))


def test_a_node_whose_name_does_not_fit_is_counted_and_not_offered() -> None:
    view = modals.modify(proposed(), [*NODES, NodeChoice("x" * 200, usable=True, why="")], STATE)
    assert "lack of room: 1." in str(view)
    assert "x" * 150 not in str(view)


def test_what_is_entered_becomes_a_request() -> None:
    assert modals.read(form(vm="web-01", namespace="vms", target="worker-05", type="live")) == MoveRequest(
        vm="web-01", namespace="vms", target="worker-05", type=MoveType.LIVE
    )
    assert modals.read(form(vm=" Vms/Web-01 ", target="*", type="auto")) == MoveRequest(vm="web-01", namespace="vms")


def test_every_wrong_field_gets_its_own_error() -> None:
    wrong = errors(vm="web_01!", namespace="a b", target="--live", type="warm")
    assert set(wrong) == {BlockId.VM, BlockId.NAMESPACE, BlockId.TARGET, BlockId.TYPE}


@pytest.mark.parametrize("vm", ["", "web-01 worker-05", "web-01 --live", "web 01", "<!channel>"])
def test_the_vm_field_takes_one_name(vm: str) -> None:
    assert set(errors(vm=vm)) == {BlockId.VM}


def test_two_namespaces_contradict_each_other() -> None:
    assert set(errors(vm="vms/web-01", namespace="dev")) == {BlockId.NAMESPACE}


def test_a_slash_belongs_into_the_vm_field_only() -> None:
    assert set(errors(vm="web-01", target="a/worker-05")) == {BlockId.TARGET}


async def opened(bot: Bot) -> str:
    """dana's form for a fresh plan, once the nodes are on it."""
    await bot.say("dana", "/vm-migrate web-01 worker-05")
    await bot.click("dana", ActionId.MODIFY)
    (view,) = bot.slack.sandbox.modals_of("dana")
    return view.id


async def submit(bot: Bot, view_id: str, **values: str) -> dict[str, object]:
    entered = {f"field_{name}": value for name, value in values.items()}
    done = await bot.slack.person("view", user="dana", view_id=view_id, action="submit", values=entered)
    await bot.settle()
    assert done["ok"], done
    return dict(done["answer"])


async def test_modify_opens_the_form_with_the_plan_in_it(bot: Bot) -> None:
    await opened(bot)
    (view,) = bot.slack.sandbox.modals_of("dana")
    assert view.values["field_vm"]["vm"]["value"] == "web-01"
    assert view.values["field_target"]["target"]["selected_option"]["value"] == "worker-05"


async def test_a_submitted_form_makes_a_new_revision_and_the_card_says_who(bot: Bot) -> None:
    view_id = await opened(bot)
    assert await submit(bot, view_id, target="worker-06") == {}
    plan = await bot.service.get("p1")
    assert (plan.revision, plan.plan.blocked) == (2, True)
    assert "changed by <@U0DANA00001>" in await bot.card()
    assert bot.slack.sandbox.modals_of("dana") == []


async def test_the_thread_says_who_changed_what_and_the_card_why(bot: Bot) -> None:
    view_id = await opened(bot)
    await submit(bot, view_id, target="*", reason="worker-05 is\nreserved <!here>")
    await bot.sweep(2)
    assert "💬 worker-05 is reserved &lt;!here&gt;" in await bot.card()
    told = await bot.card("edit_2")
    assert "<@U0DANA00001> changed the plan" in told
    assert "target ~worker-05~ → *the scheduler decides*" in told
    assert "reason ~none~ → *worker-05 is reserved &lt;!here&gt;*" in told


async def test_replaced_rules_stay_replaced_when_only_the_reason_changes(bot: Bot) -> None:
    await bot.say("dana", "/vm-migrate web-01 worker-05 --cold --replace-rules")
    await bot.click("dana", ActionId.MODIFY)
    (view,) = bot.slack.sandbox.modals_of("dana")
    await submit(bot, view.id, reason="fan")
    request = (await bot.service.get("p1")).plan.asked(0)
    assert (request.replace_rules, request.reason) == (True, "fan")


async def test_the_form_says_why_a_node_cannot_take_the_vm(bot: Bot) -> None:
    await opened(bot)
    (view,) = bot.slack.sandbox.modals_of("dana")
    shown = str(view.definition["blocks"])
    assert "worker-06 (cordoned)" in shown
    assert "worker-01 (it is there now)" in shown


async def test_an_unknown_vm_is_an_error_at_its_field(bot: Bot) -> None:
    view_id = await opened(bot)
    answer = await submit(bot, view_id, vm="wbe-01")
    assert answer["response_action"] == "errors"
    assert "Did you mean web-01?" in bot.slack.sandbox.modals_of("dana")[0].errors[BlockId.VM]


async def test_a_name_that_cannot_be_read_is_an_error_at_its_field(bot: Bot) -> None:
    view_id = await opened(bot)
    await submit(bot, view_id, namespace="two words")
    assert set(bot.slack.sandbox.modals_of("dana")[0].errors) == {BlockId.NAMESPACE}


async def test_an_unknown_node_in_the_form_of_a_batch_is_an_error_at_its_lines(bot: Bot) -> None:
    await bot.say("dana", "/vm-migrate web-01, web-02 to worker-05")
    await bot.click("dana", ActionId.MODIFY)
    (view,) = bot.slack.sandbox.modals_of("dana")
    answer = await submit(bot, view.id, lines_0="production/web-01 to worker-99")
    assert answer["response_action"] == "errors"
    errors = bot.slack.sandbox.modals_of("dana")[0].errors
    assert "no node named worker-99" in errors[f"{BlockId.LINES}_0"]


async def test_a_form_of_an_older_revision_is_refused_in_its_place(bot: Bot) -> None:
    view_id = await opened(bot)
    dana = await bot.desk.identity.actor("U0DANA00001", None, "C0OPS000001")
    await bot.service.modify("p1", 1, MoveRequest(vm="web-01"), dana)
    answer = await submit(bot, view_id, target="worker-05")
    assert answer["response_action"] == "update"
    assert "older version" in str(bot.slack.sandbox.modals_of("dana")[0].definition)


async def test_somebody_who_may_not_change_the_plan_is_told_in_the_form(bot: Bot) -> None:
    view_id = await opened(bot)
    bot.slack.sandbox.workspace.rooms["C0OPS000001"].members.remove("U0DANA00001")
    bot.clock.advance(61)
    await submit(bot, view_id, target="worker-06")
    assert "not a member" in str(bot.slack.sandbox.modals_of("dana")[0].definition)
    assert (await bot.service.get("p1")).revision == 1


async def test_a_form_that_cannot_be_made_does_not_keep_people_waiting(
    bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> tuple[()]:
        raise RuntimeError

    monkeypatch.setattr(bot.service, "nodes", broken)
    await opened(bot)
    assert "Something went wrong in the bot" in str(bot.slack.sandbox.modals_of("dana")[0].definition)
    assert "Tell the bot's owner this id" in bot.whispers("dana")[-1]


async def test_the_form_of_a_plan_that_is_gone_says_so(bot: Bot) -> None:
    await bot.say("dana", "/vm-migrate web-01 worker-05")
    ts = await bot.slack.post("x", blocks=_modify_button('{"plan": "p9", "revision": 1}'))
    await bot.slack.person("click", user="dana", channel="#ops", message_ts=ts, action_id=ActionId.MODIFY.value)
    await bot.settle()
    assert "do not know this plan" in str(bot.slack.sandbox.modals_of("dana")[0].definition)


def _modify_button(value: str) -> list[object]:
    text = {"type": "plain_text", "text": "Modify"}
    button = {"type": "button", "action_id": ActionId.MODIFY.value, "text": text, "value": value}
    return [{"type": "actions", "elements": [button]}]


async def test_an_answer_that_comes_after_the_form_has_closed_goes_to_the_person_alone(bot: Bot) -> None:
    view_id = await opened(bot)
    impatient = Views(bot.desk, patience=0)
    answered: list[dict[str, object]] = []

    async def ack(**answer: object) -> None:
        answered.append(answer)

    bot.cluster.answers.clear()
    view = next(view for view in bot.slack.sandbox.modals_of("dana") if view.id == view_id)
    values = view.values | {"field_vm": {"vm": {"type": "plain_text_input", "value": "wbe-01"}}}
    body = {
        "type": "view_submission",
        "user": {"id": "U0DANA00001", "team_id": "T0SANDBOX1"},
        "view": {"private_metadata": view.definition["private_metadata"], "state": {"values": values}},
    }
    await impatient.modify(ack, body)  # type: ignore[arg-type]  # Bolt's ack is a class; a function does here
    assert answered == [{}]
    bot.cluster.answers.set()
    await asyncio.sleep(0)
    await bot.settle()
    await until(lambda: bot.whispers("dana"))
    assert "Did you mean web-01?" in bot.whispers("dana")[-1]


@pytest.mark.parametrize(("person", "channel"), [("gil", "#ops"), ("otto", "#shared-acme")])
async def test_who_may_not_modify_is_told_so_in_the_form_and_sees_no_nodes(bot: Bot, person: str, channel: str) -> None:
    await bot.say("dana", "/vm-migrate web-01 worker-05", channel)
    message = await bot.message()
    click = {"channel": channel, "message_ts": message.ts, "action_id": ActionId.MODIFY.value}
    await bot.slack.person("click", user=person, **click)
    await bot.settle()
    (view,) = bot.slack.sandbox.modals_of(person)
    assert "worker-" not in str(view.definition["blocks"])
    assert view.definition.get("submit") is None
