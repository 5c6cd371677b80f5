"""What is due is judged on a plan as it was read; a plan that has changed since is left as it is."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from bot import calling_off, cold, progress
from bot.executor import due, explain
from bot.executor.patience import Patience
from bot.migration import PlanState
from bot.ports import Change
from bot.record import Record
from bot.sandbox.gallery import batch, incident, later, live
from bot.sandbox.gallery import cold as gallery
from bot.sandbox.gallery.cold import cold_starting_at_home
from bot.sandbox.gallery.live import at, copying
from tests.bot.conftest import LIMITS, App
from tests.facts import RAVI, proposed


def came_up(home: Record) -> Record:
    return cold.up(home, 0, at(1045))


def watched_on(overdue: Record) -> Record:
    late = progress.time_out(overdue, 0, at(691))
    return calling_off.watch_on(late, 0, RAVI, at(692), timedelta(minutes=30))


@pytest.mark.parametrize(
    ("judged", "becomes", "now"),
    [(cold_starting_at_home(), came_up, at(1050)), (copying(), watched_on, at(800))],
    ids=["gives up waiting for a VM that is up", "times out what people have given more time"],
)
async def test_what_changed_after_it_was_judged_stays_as_it_is(
    app: App, judged: Record, becomes: Callable[[Record], Record], now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    newest = becomes(judged)
    await app.store.add(newest, [])

    async def as_it_was() -> tuple[Record, ...]:
        return (judged,)

    monkeypatch.setattr(app.store, "open_plans", as_it_was)
    await app.executor.sweep(now)
    assert await app.store.get(newest.id) == newest
    await app.store.update(newest.id, lambda _: Change(judged))
    await app.executor.sweep(now)
    assert await app.store.get(newest.id) != judged


async def test_a_plan_with_which_something_is_wrong_keeps_no_other_waiting(
    app: App, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    fine = proposed()
    wrong = fine.model_copy(update={"id": "p0", "expires_at": None})
    await app.store.add(fine, [])

    async def both() -> tuple[Record, ...]:
        return (wrong, fine)

    monkeypatch.setattr(app.store, "open_plans", both)
    await app.executor.sweep(fine.expires_at)
    assert (await app.plan()).state is PlanState.EXPIRED
    assert "p0 met an unexpected error" in caplog.text


async def test_of_many_moves_that_wait_a_sweep_asks_about_some_and_the_next_about_others(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = [gallery.cold_starting().model_copy(update={"id": f"w{number}"}) for number in range(25)]
    asked: list[str] = []

    async def all_of_them() -> tuple[Record, ...]:
        return tuple(waiting)

    async def ask(_cluster: object, current: Record, *_: object) -> None:
        asked.append(current.id)

    monkeypatch.setattr(app.store, "open_plans", all_of_them)
    monkeypatch.setattr(app.executor, "start", lambda _: None)
    monkeypatch.setattr(explain, "first_found", ask)
    for _ in range(3):
        await app.executor.sweep(at(140))
    assert len(asked) == 3 * explain.AT_ONCE
    assert set(asked) == {each.id for each in waiting}


STATES = {**live.GALLERY, **gallery.GALLERY, **batch.GALLERY, **later.GALLERY, **incident.GALLERY}
HOURS = (0, 0.02, 0.1, 0.2, 0.5, 2, 30, 200)


@pytest.mark.parametrize("name", STATES)
def test_what_is_due_can_be_done_in_any_state(name: str) -> None:
    for hours in HOURS:
        for away_since in (None, at(100)):
            current, now = STATES[name](), at(hours * 3600)
            for _ in range(20):
                if (found := due.first_due(current, now, LIMITS, away_since)) is None:
                    break
                current = found.change(current)
            else:
                pytest.fail(f"{hours} h: it is never done")


def test_pauses_between_tries_double_to_the_longest_and_begin_anew_once_it_goes_on() -> None:
    patience, now = Patience(), at(0)

    def pauses(tries: int) -> list[float]:
        nonlocal now
        found = []
        for _ in range(tries):
            patience.unanswered("p1", now)
            begun = now
            while not patience.may_try("p1", now):
                now += timedelta(seconds=1)
            found.append((now - begun).total_seconds())
        return found

    assert pauses(7) == [1, 2, 4, 8, 16, 30, 30]
    assert patience.unanswered_since("p1") == at(0)
    patience.over("p1")
    assert (patience.unanswered_since("p1"), pauses(2)) == (None, [1, 2])
