"""Moves for later, with the assembled bot: proved again, begun at their time, or told to have missed it."""

from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest

from bot import waiting
from bot.errors import BotError
from bot.migration import PlanState
from bot.policy import Confirm, Policy, Rule
from bot.record import Record
from bot.request import BatchRequest, MoveRequest, MoveType
from bot.sandbox.cluster import ClusterSandbox
from bot.when import When
from tests.bot.conftest import App, opened
from tests.clocks import StandingClock
from tests.facts import DANA, MEI, NOW, OPS, RAVI

IN_AN_HOUR = MoveRequest(vm="web-01", target="worker-05", when=When(after=timedelta(hours=1)))
AT_ONCE = MoveRequest(vm="web-01", target="worker-05")


async def wait(app: App, minutes: float) -> Record:
    """Let so much of the bot's time pass, and do what is due."""
    await app.timetable.sweep(app.clock.advance(minutes * 60))
    return await app.plan()


async def scheduled(app: App) -> None:
    await app.service.propose(IN_AN_HOUR, DANA, OPS)
    await app.service.confirm("p1", 1, RAVI)
    assert (await app.plan()).state is PlanState.SCHEDULED


async def test_it_is_approved_now_proved_ten_minutes_before_and_run_at_its_time(app: App) -> None:
    await scheduled(app)
    assert (await wait(app, 49)).schedule == (await app.plan()).schedule
    near = await wait(app, 1)
    assert near.schedule is not None
    assert (near.state, near.schedule.checked_at) == (PlanState.SCHEDULED, NOW + timedelta(minutes=50))
    assert await app.migrations() == ()
    begun = await wait(app, 10)
    assert begun.state is not PlanState.SCHEDULED
    ended = await app.until(lambda plan: not plan.open)
    assert ended.state is PlanState.SUCCEEDED
    kinds = [entry.kind for entry in await app.store.log("p1")]
    assert [kind for kind in kinds if kind in ("proposed", "confirmed", "checked", "due")] == [
        "proposed",
        "confirmed",
        "checked",
        "due",
    ]


async def test_it_waits_for_its_confirm_until_its_time(app: App) -> None:
    await app.service.propose(IN_AN_HOUR, DANA, OPS)
    await app.executor.sweep(app.clock.advance(59 * 60))
    assert (await app.plan()).state is PlanState.PROPOSED
    await app.executor.sweep(app.clock.advance(60))
    assert (await app.plan()).state is PlanState.EXPIRED


async def test_a_cluster_that_has_changed_before_its_time_keeps_it_from_running_and_is_told(app: App) -> None:
    await scheduled(app)
    await app.service.propose(AT_ONCE, DANA, OPS)
    await app.service.confirm("p2", 1, RAVI)
    await app.until(lambda plan: not plan.open, "p2")
    missed = await wait(app, 50)
    assert (missed.state, missed.drift[0].before, missed.drift[0].now) == (PlanState.LAPSED, "worker-01", "worker-05")
    assert "not what this plan was made for" in missed.note
    await wait(app, 20)
    assert len(await app.migrations()) == 1


async def test_a_cluster_that_changes_in_the_last_minutes_keeps_it_from_running_too(app: App) -> None:
    await scheduled(app)
    await wait(app, 50)
    await app.cordon("worker-05")
    await wait(app, 10)
    missed = await app.until(lambda plan: plan.state is PlanState.LAPSED)
    assert missed.drift
    assert await app.migrations() == ()


@pytest.mark.parametrize("minutes", [50, 60])
async def test_rights_that_are_lost_before_its_time_keep_it_from_running(app: App, minutes: int) -> None:
    await scheduled(app)
    if minutes == 60:
        await wait(app, 50)
    app.people.now[RAVI.id] = RAVI.model_copy(update={"channel_member": False})
    await wait(app, minutes if minutes == 50 else 10)
    missed = await app.until(lambda plan: plan.state is PlanState.LAPSED)
    assert "A Confirm no longer counts" in missed.note
    assert await app.migrations() == ()


async def test_rules_that_have_become_stricter_keep_it_from_running(app: App) -> None:
    await scheduled(app)
    app.rules.current = Policy(
        rules=(Rule(name="two", request=("channel",), confirm=Confirm(who=("channel",), count=2)),)
    )
    missed = await wait(app, 50)
    assert (missed.state, missed.note) == (PlanState.LAPSED, "More Confirms are needed by now.")


async def test_it_can_be_canceled_until_its_time(app: App) -> None:
    await scheduled(app)
    await wait(app, 55)
    await app.service.cancel("p1", 1, MEI)
    assert (await wait(app, 10)).state is PlanState.CANCELED
    assert await app.migrations() == ()
    assert app.timetable._again == {}


@pytest.mark.parametrize(("minutes", "state"), [(70, PlanState.SUCCEEDED), (76, PlanState.LAPSED)])
async def test_a_bot_that_was_down_at_the_time_starts_late_within_the_tolerance_and_not_after(
    tmp_path: Path, sandbox: ClusterSandbox, clock: StandingClock, minutes: int, state: PlanState
) -> None:
    async with opened(tmp_path, sandbox, clock) as app:
        await scheduled(app)
    clock.advance(minutes * 60)
    async with opened(tmp_path, sandbox, clock) as app:
        await wait(app, 0)
        ended = await app.until(lambda plan: not plan.open)
        assert ended.state is state
        assert ("while I was not running" in ended.note) is (state is PlanState.LAPSED)


async def gone(app: App, *names: str) -> None:
    """Somebody deletes these VMs."""
    for name in names:
        await app.call("DELETE", f"/apis/kubevirt.io/v1/namespaces/production/virtualmachines/{name}")
    await app.sandbox.advance(60)


UNSURE = BotError("slack-unsure", "Slack does not tell me who you are right now.", "")


async def test_what_cannot_begin_in_its_time_is_missed_and_never_begun_after_it(app: App) -> None:
    """Begun in the last minute of its time, while Slack does not say who somebody is."""
    await scheduled(app)
    app.people.now[RAVI.id] = UNSURE
    assert (await wait(app, 74)).state is PlanState.APPROVED
    await app.executor.sweep(app.clock.advance(61))
    missed = await app.plan()
    assert (missed.state, "too late" in missed.note) == (PlanState.LAPSED, True)
    assert "missed" in [entry.kind for entry in await app.store.log("p1")]


async def test_within_its_window_it_is_tried_to_the_end(app: App) -> None:
    """A window is for that: an approval for at once would have lapsed by then."""
    dana = DANA.model_copy(update={"zone": "Etc/UTC"})
    begin, end = NOW + timedelta(hours=1), NOW + timedelta(hours=3)
    window = When(clock=begin.time(), until=end.time())
    await app.service.propose(AT_ONCE.model_copy(update={"when": window}), dana, OPS)
    await app.service.confirm("p1", 1, RAVI)
    app.people.now[RAVI.id] = UNSURE
    await wait(app, 60)
    await app.executor.sweep(app.clock.advance(90 * 60))
    del app.people.now[RAVI.id]
    assert (await app.until(lambda plan: not plan.open)).state is PlanState.SUCCEEDED


@pytest.mark.parametrize("request_", [AT_ONCE, IN_AN_HOUR])
async def test_an_approval_that_has_outlived_the_bot_is_not_taken_up_at_start(
    tmp_path: Path, sandbox: ClusterSandbox, clock: StandingClock, request_: MoveRequest
) -> None:
    async with opened(tmp_path, sandbox, clock) as app:
        app.people.now[RAVI.id] = UNSURE
        await app.service.propose(request_, DANA, OPS)
        await app.service.confirm("p1", 1, RAVI)
        if request_.when:
            await wait(app, 60)
    clock.advance(60 * 60)
    async with opened(tmp_path, sandbox, clock) as app:
        await app.executor.resume()
        assert not app.executor._runs
        assert (await app.until(lambda plan: not plan.open)).state is PlanState.LAPSED
        assert await app.migrations() == ()


async def test_a_vm_that_another_plan_is_moving_is_waited_for_and_then_looked_at_anew(app: App) -> None:
    await scheduled(app)
    await wait(app, 50)
    await app.service.propose(AT_ONCE, DANA, OPS)
    await app.service.confirm("p2", 1, RAVI)
    await app.until(lambda plan: plan.state is PlanState.RUNNING, "p2", step=0.1)
    assert (await wait(app, 10)).state is PlanState.SCHEDULED
    await app.until(lambda plan: not plan.open, "p2")
    await wait(app, 1)
    missed = await app.until(lambda plan: plan.state is PlanState.LAPSED)
    assert missed.drift
    assert len(await app.migrations()) == 1


BOTH = BatchRequest(
    moves=tuple(MoveRequest(vm=name, namespace="production") for name in ("web-01", "web-02")), target="worker-05"
)


@pytest.mark.parametrize("minutes", [50, 60])
@pytest.mark.parametrize("request_", [IN_AN_HOUR, BOTH.model_copy(update={"when": IN_AN_HOUR.when})])
async def test_a_plan_of_which_nothing_is_left_ends_with_that_word(
    app: App, request_: MoveRequest | BatchRequest, minutes: int
) -> None:
    await app.service.propose(request_, DANA, OPS)
    await app.service.confirm("p1", 1, RAVI)
    if minutes == 60:
        await wait(app, 50)
    await gone(app, "web-01", "web-02")
    await wait(app, 50 if minutes == 50 else 10)
    ended = await app.until(lambda plan: not plan.open, seconds=5)
    cause = ended.runs[0].result.cause if ended.runs[0].result else None
    assert "web-01" in (ended.note or (cause.what if cause else ""))


async def test_a_confirmed_batch_of_which_nothing_is_left_ends_with_that_word(app: App) -> None:
    app.people.now[RAVI.id] = UNSURE
    await app.service.propose(BOTH, DANA, OPS)
    await app.service.confirm("p1", 1, RAVI)
    await gone(app, "web-01", "web-02")
    ended = await app.until(lambda plan: not plan.open, seconds=60)
    assert (ended.state, "web-01" in ended.note) == (PlanState.CANCELED, True)


async def test_while_the_cluster_is_away_nothing_is_decided_and_it_is_missed_in_the_end(app: App) -> None:
    await scheduled(app)
    await app.fault(downSeconds=10_000)
    assert (await wait(app, 50)).state is PlanState.SCHEDULED
    await wait(app, 10)
    missed = await app.until(lambda plan: plan.state is PlanState.LAPSED, seconds=1000, step=20)
    assert missed.schedule is not None
    assert (missed.schedule.checked_at, missed.note) == (None, waiting.UNBEGUN)


async def test_in_the_night_in_which_clocks_go_forward_it_runs_when_the_card_says(
    tmp_path: Path, sandbox: ClusterSandbox
) -> None:
    """Amsterdam, 29 March 2026, 02:30 does not exist: asked for at 23:00 the evening before."""
    clock = StandingClock(datetime(2026, 3, 28, 22, 0, tzinfo=UTC))
    dana = DANA.model_copy(update={"zone": "Europe/Amsterdam"})
    async with opened(tmp_path, sandbox, clock) as app:
        await app.service.propose(MoveRequest(vm="web-01", target="worker-05", when=When(clock=time(2, 30))), dana, OPS)
        confirmed = await app.service.confirm("p1", 1, RAVI)
        assert confirmed.schedule is not None
        assert confirmed.schedule.start == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
        assert "does not exist" in confirmed.schedule.note
        await wait(app, 3 * 60 + 29)
        assert (await app.plan()).state is PlanState.SCHEDULED
        await wait(app, 1)
        assert (await app.until(lambda plan: not plan.open)).state is PlanState.SUCCEEDED


async def test_modify_keeps_the_time(app: App) -> None:
    before = await app.service.propose(IN_AN_HOUR, DANA, OPS)
    app.clock.advance(60)
    after = await app.service.modify("p1", 1, MoveRequest(vm="web-01", target="worker-04"), DANA)
    assert after.schedule == before.schedule
    assert after.plan.request.when == IN_AN_HOUR.when
    assert before.schedule is not None
    assert after.expires_at == before.schedule.start


async def test_planned_again_a_time_of_day_is_still_that_of_whoever_said_it(app: App) -> None:
    """NOW is three in the morning; Kolkata is five and a half hours ahead."""
    at_five = AT_ONCE.model_copy(update={"when": When(clock=time(5, 0))})
    dana, ravi = (each.model_copy(update={"zone": zone}) for each, zone in ((DANA, "Etc/UTC"), (RAVI, "Asia/Kolkata")))
    made = [
        await app.service.propose(at_five, dana, OPS),
        await app.service.plan_again("p1", ravi, OPS),
        await app.service.plan_again("p2", ravi, OPS),
        await app.service.replan("p3", MoveType.COLD, ravi, OPS),
    ]
    assert {each.schedule and each.schedule.start for each in made} == {NOW + timedelta(hours=2)}


async def test_a_time_that_is_over_is_refused_before_anything_is_read(app: App) -> None:
    over = MoveRequest(vm="no-such", when=When(clock=time(2, 0), day=(NOW - timedelta(days=1)).date()))
    with pytest.raises(BotError) as refused:
        await app.service.propose(over, DANA.model_copy(update={"zone": "Etc/UTC"}), OPS)
    assert refused.value.code == "time-over"
