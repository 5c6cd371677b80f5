"""What a person reads alone: help, questions back, refusals, lists, and the app's Home tab."""

from collections.abc import Callable, Iterable
from datetime import timedelta

from bot import approval, authority, policy
from bot.errors import BotError, NothingToDo, WhichNamespace, from_cluster, unknown_name
from bot.grammar import parse
from bot.inventory import Listed
from bot.policy import Action, Policy
from bot.policy.rules import Confirm, Rule
from bot.ports import AtHome, Overview, PinnedVm
from bot.record import Record
from bot.request import Ambiguous, History, Inventory, MoveRequest, Reading, Status
from bot.sandbox.gallery import extreme, facts, later, live
from bot.sandbox.gallery.shown import Json, home, private
from handlers import cards
from handlers.identity import not_in_channel
from handlers.tasks import DATABASE_AWAY
from k8s import errors as k8s

BEYOND_GRAMMAR = "web-01 worker-05 --fast"
LINKS = {"p1": "https://sandbox.slack.com/archives/C0OPS/p1"}
NAMESPACES = ("dev", "vms")


def answers() -> Iterable[Json]:
    """Each kind of answer once."""
    yield private("help", cards.help_card())
    yield private("help_for_nobody", cards.help_card(frozenset(), "Guests may not."))
    yield private("unreadable", cards.refusal_card(_refused(lambda: parse(BEYOND_GRAMMAR))))
    known = ("worker-01", "worker-05")
    yield private("unknown_node", cards.refusal_card(unknown_name("node", "worker-55", known)))
    there = NothingToDo("already-there", "web-01 is already on worker-05.", "Name another node to move it.")
    yield private("nothing_to_do", cards.refusal_card(there))
    yield private("ambiguous", cards.ambiguous_card(_ambiguous()))
    cache = MoveRequest(vm="cache-01", target="worker-05")
    yield private("which_namespace", cards.namespaces_card(cache, WhichNamespace("cache-01", NAMESPACES)))
    yield private("moving_already", cards.running_card(live.copying(), "production/web-01", LINKS["p1"]))
    yield private("pointer", cards.pointer_card(facts.proposed(), LINKS["p1"]))
    yield private("checks", cards.checks_card(facts.proposed()))
    yield private("fault", cards.fault_card("a1b2c3"))
    yield from _refusals()
    yield from _lists()


def _refusals() -> Iterable[Json]:
    """What the cluster, the rules and Slack may forbid, each in the words of whoever forbids it."""
    yield private("not_allowed", cards.refusal_card(_not_allowed()))
    down = k8s.Unreachable("connection refused")
    yield private("cluster_away_on_request", cards.refusal_card(from_cluster(down)))
    forbidden = k8s.Forbidden("no", verb="create", resource="virtualmachineinstancemigrations", namespace="production")
    yield private("no_permission", cards.refusal_card(from_cluster(forbidden)))
    yield private("not_in_channel", cards.refusal_card(not_in_channel()))
    yield private("database_away", cards.refusal_card(DATABASE_AWAY))
    yield private("decided_already", cards.refusal_card(_refused(lambda: approval.cancel(live.succeeded(), facts.MEI))))
    yield private("expired_meanwhile", cards.refusal_card(_refused(_confirm_late)))


def _not_allowed() -> BotError:
    rule = Rule(name="four eyes", request=("channel",), confirm=Confirm(who=("@sre",)))
    decision = Policy(rules=(rule,)).decide(
        facts.DANA, Action.CONFIRM, authority.case(facts.proposed().plan, facts.OPS)
    )
    return BotError("not-allowed", decision.reason, decision.remedy)


def _confirm_late() -> Record:
    late = facts.NOW + timedelta(hours=2)
    return approval.confirm(facts.proposed(), facts.RAVI, policy.decide(facts.RAVI, Action.CONFIRM), late)


def _refused(deed: Callable[[], object]) -> BotError:
    try:
        deed()
    except BotError as refused:
        return refused
    raise AssertionError("it is allowed now; choose another sample")


def _lists() -> Iterable[Json]:
    open_plans = Overview((facts.proposed(), live.blocked(), live.copying()), more=False, elsewhere=2)
    yield private("status", cards.status_card(Status(), open_plans, LINKS))
    yield private("status_empty", cards.status_card(Status(), Overview(()), {}))
    ended = Overview((live.succeeded(), live.failed(), live.canceled(), live.denied(), live.expired()), more=True)
    yield private("history", cards.history_card(History(), ended, LINKS))
    yield private("inventory", cards.inventory_card(Inventory(namespace="production"), _vms(3)))
    yield private("inventory_empty", cards.inventory_card(Inventory(namespace="production"), ()))
    pin = PinnedVm("production", "web-01", "worker-05", "p1")
    yield private("no_pins", cards.pins_card([]))
    long = PinnedVm(extreme.LONG_NAMESPACE, extreme.LONG_VM, extreme.LONG_NODE, "p1")
    yield private("pins", cards.pins_card([pin, long]))
    yield private("unpinned", cards.unpinned_card(pin))


def homes() -> Iterable[Json]:
    """The app's Home tab on a quiet and on a busy day."""
    yield home("home_empty", cards.home_card(AtHome((), (), (), (), 0, facts.NOW), {}))
    waiting, recent = (facts.proposed(), live.half_confirmed()), (live.succeeded(), live.failed())
    busy = AtHome((live.copying(),), waiting, (later.scheduled(),), recent, 3, facts.NOW)
    yield home("home", cards.home_card(busy, LINKS))


def strained() -> Iterable[Json]:
    """Lists that are longer than one message takes."""
    yield private("sixty_pins", cards.pins_card(extreme.sixty_pins()))
    yield private("sixty_vms", cards.inventory_card(Inventory(), _vms(60)))


def _vms(count: int) -> list[Listed]:
    made = [
        Listed("production", f"web-{number:02}", "Running", 2, 4 * 2**30, f"worker-{number % 9 + 1:02}", "10.0.0.7", ())
        for number in range(1, count)
    ]
    stopped = Listed(
        extreme.LONG_NAMESPACE, extreme.LONG_VM, "Stopped", 16, 128 * 2**30, "", "", ("not live migratable",)
    )
    return [*made, stopped]


def _ambiguous() -> Ambiguous:
    readings = (
        Reading(label="Move web-01 to worker-05", request=MoveRequest(vm="web-01", target="worker-05")),
        Reading(label="Move a VM named worker-05 to web-01", request=MoveRequest(vm="worker-05", target="web-01")),
    )
    return Ambiguous(question="Which of the two is the VM?", readings=readings)
