"""The modals: filled, waiting, refused, and with the longest names."""

from collections.abc import Iterable

from bot.errors import BotError
from bot.ports import NodeChoice
from bot.record import Doubt
from bot.sandbox.gallery import batch, cold, extreme, facts
from bot.sandbox.gallery.shown import Json, form
from handlers import batchform, declare, deny, modals, refusal
from handlers.values import ElsewhereState, ModalState

NODES = (
    NodeChoice("worker-01", usable=True, why="", free_cpu=14_000, free_memory=40 * 2**30),
    NodeChoice("worker-05", usable=True, why=""),
    NodeChoice("worker-06", usable=False, why="cordoned"),
    NodeChoice(extreme.LONG_NODE, usable=False, why="not ready"),
)
FORM = ModalState(plan="p1", revision=1, channel="C0OPS")
FRESH = FORM.model_copy(update={"fresh": True})
ELSEWHERE = ElsewhereState(plan="p1", revision=1, move=0, doubt=Doubt.STARTING, channel="C0OPS")
REFUSAL = BotError("old-card", "The plan was changed meanwhile.", "Look at the newest card.")


def forms() -> Iterable[Json]:
    """Every form in every state."""
    yield form("form_modify", modals.modify(facts.proposed(), NODES, FORM))
    yield form("form_modify_fresh", modals.modify(facts.proposed(), NODES, FRESH))
    yield form("form_loading", refusal.loading(modals.title(fresh=False)))
    yield form("form_refused", refusal.form(REFUSAL))
    yield form("form_modify_long_names", modals.modify(extreme.long_names(), NODES, FORM))
    yield form("form_another_node", modals.choosing(cold.cold_asking_start(), NODES, ELSEWHERE))
    yield form("form_another_node_none", modals.choosing(cold.cold_asking_start(), (), ELSEWHERE))
    yield form("form_batch", batchform.form(batch.batch_fifteen(), FORM))
    yield form("form_batch_of_sixty", batchform.form(batch.batch_sixty(), FORM))
    yield form("form_deny", deny.form(FORM))
    yield form("form_incident", declare.form(FORM))
