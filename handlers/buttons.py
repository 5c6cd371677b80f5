"""Which button does what: a table of use cases. How a press becomes one is in `handlers.actions`."""

from collections.abc import Mapping

from bot.plan import Consent
from bot.policy import Action
from bot.record import Choice, PinState
from bot.request import MoveType
from handlers import declare, deny
from handlers.actions import Act, Actions
from handlers.ids import ActionId
from handlers.values import DoubtRef, HoldRef, MoveRef, NodeRef, PlanRef


def acts(actions: Actions) -> Mapping[ActionId, Act]:
    """All of them."""
    return {**_of_plans(actions), **_of_moves(actions), **_of_batches(actions), **_of_lists(actions)}


def _of_plans(actions: Actions) -> dict[ActionId, Act]:
    on, fresh = actions.on, actions.fresh
    return {
        ActionId.CONFIRM: on(PlanRef, lambda service, ref, who: service.confirm(ref.plan, ref.revision, who)),
        ActionId.MODIFY: actions.modifying(fresh=False),
        ActionId.CANCEL: on(PlanRef, lambda service, ref, who: service.cancel(ref.plan, ref.revision, who)),
        ActionId.DENY: actions.asking(Action.DENY, deny.TITLE, deny.form),
        ActionId.INCIDENT: actions.asking(Action.INCIDENT, declare.TITLE, declare.form),
        ActionId.AGAIN: fresh(PlanRef, lambda service, ref, who, here: service.plan_again(ref.plan, who, here)),
        ActionId.OTHER_NODE: actions.modifying(fresh=True),
        ActionId.USE_LIVE: _replan(actions, MoveType.LIVE),
        ActionId.USE_COLD: _replan(actions, MoveType.COLD),
        ActionId.REPLACE_RULES: on(
            PlanRef, lambda service, ref, who: service.replace_rules(ref.plan, ref.revision, who)
        ),
        ActionId.SUGGEST: on(PlanRef, lambda service, ref, who: service.suggest(ref.plan, ref.revision, who)),
        ActionId.PICK_NODE: _take_node(actions),
        ActionId.USE_NODE: _take_node(actions),
        ActionId.CHECK_AGAIN: on(PlanRef, lambda service, ref, who: service.check_again(ref.plan, ref.revision, who)),
        ActionId.CHECKS: actions.checks,
    }


def _of_moves(actions: Actions) -> dict[ActionId, Act]:
    on, fresh = actions.on, actions.fresh
    return {
        ActionId.CALL_OFF: on(
            MoveRef, lambda service, ref, who: service.call_off(ref.plan, ref.revision, ref.move, who)
        ),
        ActionId.WATCH_ON: on(MoveRef, lambda service, ref, who: service.watch_on(ref.plan, ref.move, who)),
        ActionId.CLEAN_UP: on(MoveRef, lambda service, ref, who: service.clean_up(ref.plan, ref.move, who)),
        ActionId.RUNBOOK: on(MoveRef, lambda service, ref, who: service.show_runbook(ref.plan, ref.move, who)),
        ActionId.MOVE_BACK: fresh(
            MoveRef, lambda service, ref, who, here: service.move_back(ref.plan, ref.move, who, here)
        ),
        ActionId.WAIT: _answer(actions, Choice.WAIT),
        ActionId.FORCE: _answer(actions, Choice.FORCE),
        ActionId.HOME: _answer(actions, Choice.HOME),
        ActionId.ELSEWHERE: actions.elsewhere,
        ActionId.PIN_REMOVE: _decide_pin(actions, PinState.REMOVED),
        ActionId.PIN_KEEP: _decide_pin(actions, PinState.KEPT),
        ActionId.PIN_LATER: _decide_pin(actions, PinState.LATER),
    }


def _of_batches(actions: Actions) -> dict[ActionId, Act]:
    on, fresh = actions.on, actions.fresh
    return {
        ActionId.ACCEPT_DOWNTIME: _accept(actions, Consent.DOWNTIME),
        ActionId.ACCEPT_OVERCOMMIT: _accept(actions, Consent.OVERCOMMIT),
        ActionId.STAGE: _stage(actions, staged=True),
        ActionId.UNSTAGE: _stage(actions, staged=False),
        ActionId.PAUSE: on(PlanRef, lambda service, ref, who: service.pause(ref.plan, who)),
        ActionId.STOP: on(PlanRef, lambda service, ref, who: service.stop(ref.plan, who)),
        ActionId.GO_ON: on(HoldRef, lambda service, ref, who: service.go_on(ref.plan, ref.hold, who)),
        ActionId.SKIP: on(HoldRef, lambda service, ref, who: service.skip(ref.plan, ref.hold, who)),
        ActionId.RETRY: _retry(actions, None),
        ActionId.RETRY_COLD: _retry(actions, MoveType.COLD),
        ActionId.BACK: fresh(PlanRef, lambda service, ref, who, here: service.move_all_back(ref.plan, who, here)),
        ActionId.BRING_BACK: actions.bring_back,
        ActionId.UNPIN_ALL: on(PlanRef, lambda service, ref, who: service.remove_all_pins(ref.plan, who)),
    }


def _of_lists(actions: Actions) -> dict[ActionId, Act]:
    return {
        ActionId.UNPIN: actions.unpin,
        ActionId.READING: actions.reading,
        ActionId.PICK_NAMESPACE: actions.reading,
    }


def _replan(actions: Actions, type_: MoveType) -> Act:
    return actions.fresh(PlanRef, lambda service, ref, who, here: service.replan(ref.plan, type_, who, here))


def _take_node(actions: Actions) -> Act:
    """A node that a card offers: from its menu, or instead of the one that is blocked."""
    return actions.on(
        NodeRef,
        lambda service, ref, who: service.take_node(
            ref.plan, ref.revision, ref.node, who, MoveType.COLD if ref.cold else None
        ),
    )


def _answer(actions: Actions, choice: Choice) -> Act:
    return actions.on(DoubtRef, lambda service, ref, who: service.answer(ref.plan, ref.move, ref.doubt, choice, who))


def _decide_pin(actions: Actions, wanted: PinState) -> Act:
    return actions.on(MoveRef, lambda service, ref, who: service.decide_pin(ref.plan, ref.move, wanted, who))


def _accept(actions: Actions, consent: Consent) -> Act:
    return actions.on(PlanRef, lambda service, ref, who: service.accept(ref.plan, ref.revision, consent, who))


def _stage(actions: Actions, *, staged: bool) -> Act:
    return actions.on(PlanRef, lambda service, ref, who: service.stage(ref.plan, ref.revision, who, staged=staged))


def _retry(actions: Actions, type_: MoveType | None) -> Act:
    return actions.fresh(MoveRef, lambda service, ref, who, here: service.retry(ref.plan, ref.move, type_, who, here))
