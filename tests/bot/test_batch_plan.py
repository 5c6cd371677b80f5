"""Plans of many moves on the simulated cluster: who is in them, who is not and why, where to, in which order."""

import pytest

from bot.errors import BotError
from bot.plan import Consent
from bot.policy import BUILT_IN, Match, Policy, Rule
from bot.request import BatchRequest, MoveRequest, MoveType
from bot.sandbox.cluster.resources import NODE
from tests.bot.conftest import App
from tests.facts import DANA, OPS, RAVI

SEED = BatchRequest(
    moves=(MoveRequest(vm="web-01"), MoveRequest(vm="web-02"), MoveRequest(vm="app-vm")), target="worker-05"
)


async def test_the_seeds_batch_is_one_plan_live_before_cold_and_smallest_first(app: App) -> None:
    planned = (await app.service.propose(SEED, DANA, OPS)).plan
    assert [(move.vm, move.source, move.type) for move in planned.moves] == [
        ("web-01", "worker-01", MoveType.LIVE),
        ("web-02", "worker-02", MoveType.LIVE),
        ("app-vm", "worker-02", MoveType.COLD),
    ]
    assert {move.target_name for move in planned.moves} == {"worker-05"}
    assert (planned.left_out, planned.consents) == ((), ())


async def test_what_cannot_move_is_left_out_by_name_and_the_rest_is_planned(app: App) -> None:
    names = ("web-01", "web-91", "cache-01", "gpu-01", "web-02")
    request = BatchRequest(moves=tuple(MoveRequest(vm=name) for name in names), target="worker-05", type=MoveType.LIVE)
    planned = (await app.service.propose(request, DANA, OPS)).plan
    assert [move.vm for move in planned.moves] == ["web-01", "web-02"]
    why = {out.vm: out.why + out.remedy for out in planned.left_out}
    assert "web-01" in why["web-91"]
    assert "dev/cache-01" in why["cache-01"]
    assert "worker-05 already" in why["gpu-01"]


async def test_an_unknown_node_is_refused_whole(app: App) -> None:
    request = BatchRequest(moves=(MoveRequest(vm="web-01", target="worker-5"), MoveRequest(vm="web-02")))
    with pytest.raises(BotError) as refused:
        await app.service.propose(request, DANA, OPS)
    assert (refused.value.code, "worker-05" in refused.value.remedy) == ("unknown-node", True)


async def test_each_vm_may_have_a_target_of_its_own(app: App) -> None:
    request = BatchRequest(
        moves=(MoveRequest(vm="web-01", target="worker-03"), MoveRequest(vm="web-02", target="worker-04"))
    )
    planned = (await app.service.propose(request, DANA, OPS)).plan
    assert {move.vm: move.target_name for move in planned.moves} == {"web-01": "worker-03", "web-02": "worker-04"}


async def test_a_label_selector_finds_its_vms(app: App) -> None:
    request = BatchRequest(selector="app=web", target="worker-05")
    planned = (await app.service.propose(request, DANA, OPS)).plan
    assert {move.vm for move in planned.moves} >= {"web-01", "web-02", "web-03"}


async def test_leaving_a_node_spreads_and_keeps_replicas_apart(app: App) -> None:
    planned = (await app.service.propose(BatchRequest(evacuate="worker-02"), DANA, OPS)).plan
    assert {move.source for move in planned.moves} == {"worker-02"}
    targets = [move.target_name for move in planned.moves]
    assert len(set(targets)) > 1
    assert not {"worker-02", "worker-06", "worker-07"} & set(targets)
    assert next(move.target_name for move in planned.moves if move.vm == "web-02") not in ("worker-01", "worker-03")
    assert "pinned-01" in [out.vm for out in planned.left_out]
    assert [note.code for note in planned.notes].count("source-not-cordoned") == 1


async def keep_away(app: App, vm: str, other: str) -> None:
    """By a rule of its own, that no label of an application tells."""
    apart = {"labelSelector": {"matchLabels": {"vm.kubevirt.io/name": other}}, "topologyKey": "kubernetes.io/hostname"}
    rules = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [apart]}}
    path = f"/apis/kubevirt.io/v1/namespaces/production/virtualmachines/{vm}"
    await app.call("PATCH", path, {"spec": {"template": {"spec": {"affinity": rules}}}})
    await app.sandbox.advance(2)


PAIR = (MoveRequest(vm="database-01"), MoveRequest(vm="app-vm"))


async def test_what_an_earlier_move_brings_keeps_a_later_one_away(app: App) -> None:
    """Nothing there keeps it away yet; what the plan itself puts there will."""
    await keep_away(app, "app-vm", "database-01")
    alone = BatchRequest(moves=(PAIR[1],), target="worker-05")
    assert [move.vm for move in (await app.service.propose(alone, DANA, OPS)).plan.moves] == ["app-vm"]
    planned = (await app.service.propose(BatchRequest(moves=PAIR, target="worker-05"), DANA, OPS)).plan
    assert [move.vm for move in planned.moves] == ["database-01"]
    (out,) = planned.left_out
    assert out.vm == "app-vm"
    assert "they are to be apart" in out.why


async def test_where_the_bot_chooses_a_later_move_goes_where_the_earlier_ones_let_it(app: App) -> None:
    await keep_away(app, "app-vm", "database-01")
    first, second = (await app.service.propose(BatchRequest(moves=PAIR, type=MoveType.COLD), DANA, OPS)).plan.moves
    assert {first.vm, second.vm} == {"database-01", "app-vm"}
    assert first.target_name != second.target_name


async def test_a_node_has_room_for_the_first_and_no_more_for_the_second(app: App) -> None:
    node = (await app.call("GET", "/api/v1/nodes/worker-05"))["status"]
    survey = await app.cluster.survey()
    used = sum(pod.requests["memory"] for pod in survey.pods["worker-05"])
    (one, other) = (
        pod.requests["memory"] for pods in survey.pods.values() for pod in pods if pod.vmi in ("web-01", "web-02")
    )
    room = used + max(one, other) + min(one, other) // 2
    app.sandbox.store.modify(NODE, "", "worker-05", lambda raw: raw["status"]["allocatable"].update(memory=str(room)))
    assert node["allocatable"]["memory"] != str(room)
    await app.sandbox.advance(1)
    both = BatchRequest(moves=(MoveRequest(vm="web-01"), MoveRequest(vm="web-02")), target="worker-05")
    planned = (await app.service.propose(both, DANA, OPS)).plan
    assert len(planned.moves) == 1
    assert "memory" in planned.left_out[0].why


async def test_a_move_that_is_left_out_brings_nothing_to_those_after_it(app: App) -> None:
    """database-01 cannot go there, so nothing keeps app-vm away."""
    await keep_away(app, "app-vm", "database-01")
    zone = {"spec": {"template": {"spec": {"nodeSelector": {"topology.kubernetes.io/zone": "nowhere"}}}}}
    await app.call("PATCH", "/apis/kubevirt.io/v1/namespaces/production/virtualmachines/database-01", zone)
    await app.sandbox.advance(2)
    planned = (await app.service.propose(BatchRequest(moves=PAIR, target="worker-05"), DANA, OPS)).plan
    assert [move.vm for move in planned.moves] == ["app-vm"]
    assert [out.vm for out in planned.left_out] == ["database-01"]


async def test_a_move_that_admission_refuses_brings_nothing_to_those_after_it(app: App) -> None:
    """And the plan can be confirmed, since it is judged by the same facts then."""
    await keep_away(app, "app-vm", "database-01")
    target = {"kind": "VirtualMachine", "namespace": "production", "name": "database-01"}
    await app.fault(annotate=target | {"faults": {"refuse-migration": "no"}})
    planned = (await app.service.propose(BatchRequest(moves=PAIR, target="worker-05"), DANA, OPS)).plan
    assert [move.vm for move in planned.moves] == ["app-vm"]
    (refused,) = planned.left_out
    assert (refused.vm, "would refuse it" in refused.why) == ("database-01", True)
    assert (await app.service.confirm("p1", 1, RAVI)).revision == 1


async def test_several_cold_moves_need_their_downtime_accepted(app: App) -> None:
    request = BatchRequest(moves=(MoveRequest(vm="app-vm"), MoveRequest(vm="web-server")), target="worker-05")
    planned = (await app.service.propose(request, DANA, OPS)).plan
    assert planned.consents == (Consent.DOWNTIME,)
    with pytest.raises(BotError) as refused:
        await app.service.confirm("p1", 1, RAVI)
    assert refused.value.code == "not-accepted"


async def test_a_vm_that_somebody_has_moved_meanwhile_is_drift_of_the_whole_plan(app: App) -> None:
    await app.service.propose(SEED, DANA, OPS)
    await app.cordon("worker-05")
    with pytest.raises(BotError) as refused:
        await app.service.confirm("p1", 1, RAVI)
    assert refused.value.code == "drifted"
    after = await app.plan()
    assert after.revision == 2
    assert {change.what for change in after.drift} >= {"web-01: findings"}
    assert after.plan.blocked


async def test_the_rules_judge_each_vm_by_its_labels_of_now(app: App) -> None:
    frozen = Rule(name="frozen", match=Match(labels={"freeze": "yes"}), deny="Quarter end.")
    app.rules.current = Policy(rules=(frozen, *BUILT_IN.rules))
    await app.service.propose(SEED, DANA, OPS)
    path = "/apis/kubevirt.io/v1/namespaces/production/virtualmachines/web-02"
    await app.call("PATCH", path, {"metadata": {"labels": {"freeze": "yes"}}})
    with pytest.raises(BotError) as refused:
        await app.service.confirm("p1", 1, RAVI)
    assert (refused.value.code, refused.value.what) == ("not-allowed", "Quarter end.")
