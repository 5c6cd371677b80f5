"""The contract: every recording of a real control plane, replayed against the simulation.

Compared are the answers of every call, the sequence of every facet of every object (phases, fields that appear and
vanish, deletions, run strategy, placement), the Events, and when things happened. What differs stands in
``differences.py``, with the reason, and nowhere else.

The same scenarios run against a real cluster with ``CONTRACT_KUBECONFIG=<kubeconfig> pytest tests/contract -k <name>``.
It must hold, running and settled, the recording's VM (``head["vm"]``) on the node that the recording names, on five
workers ``worker-01..05``. Only scenarios without played faults make sense there; the rest is skipped.
"""

import os
from typing import Any

import pytest

from tests.contract import differences
from tests.contract.bench import KUBECONFIG_VARIABLE, real, simulated
from tests.contract.facets import facets, kubernetes_events
from tests.contract.recording import Event, Json, Recording, load, names
from tests.contract.stage import Answers, Directions, Play, comparable, directions, world_for

TOLERANCE = 1.0
"""Seconds by which a moment may be off: the recordings' machine was small and busy."""

SETTLE = 3.0
"""Seconds for the watches of a real cluster to begin."""

TIMED = ("phase", "printableStatus", "has node", "Ready", "taints", "schedulable")


class Outcome:
    """What both sides saw of one scenario."""

    def __init__(self, recording: Recording, events: list[Event], answers: Answers, initial: list[Json]) -> None:
        finished = {o["metadata"]["uid"] for o in recording.initial if o["kind"] == "Pod"}
        finished -= {o["metadata"]["uid"] for o in relevant(recording, recording.initial)}
        story = [e for e in recording.events if e.uid not in finished]
        self.recorded, self.recorded_times = facets(relevant(recording, recording.initial), story)
        self.seen, self.seen_times = facets(initial, events)
        self.recorded_events = kubernetes_events(recording.events)
        self.seen_events = kubernetes_events(events)
        self.answers = answers


def relevant(recording: Recording, objects: list[Json]) -> list[Json]:
    """The objects whose story is compared: of pods only the one that runs the guest at the start."""
    also = {name.split("/")[0] for name in recording.head.get("also", [])}
    living = [o for o in objects if o["kind"] != "Pod" or o["status"]["phase"] == "Running"]
    kinds = {"VirtualMachine", "VirtualMachineInstance", "VirtualMachineInstanceMigration", "Pod"} | also
    order = sorted(kinds)
    return sorted((o for o in living if o["kind"] in kinds), key=lambda o: order.index(o["kind"]))


def concerns(recording: Recording, obj: Json) -> bool:
    """Whether the recorder would have kept the object: the VM's own, and what the head's ``also`` names."""
    kind, metadata = obj["kind"], obj["metadata"]
    if kind == "Event" and obj["involvedObject"]["kind"] == "Node":
        return f"Node/{obj['involvedObject']['name']}" in recording.head.get("also", [])
    if f"{kind}/{metadata['name']}" in recording.head.get("also", []):
        return True
    if metadata.get("namespace") != recording.namespace:
        return False
    if kind in {"VirtualMachine", "VirtualMachineInstance"}:
        return bool(metadata["name"] == recording.vm)
    if kind == "VirtualMachineInstanceMigration":
        return bool(obj["spec"]["vmiName"] == recording.vm)
    if kind == "Pod":
        return bool(metadata.get("labels", {}).get("vm.kubevirt.io/name") == recording.vm)
    about = obj["involvedObject"]["name"] if kind == "Event" else ""
    own_jobs = ("kubevirt-evacuation-", "mig-", f"live-limit-{recording.vm}", f"live-limit-node-{recording.vm}")
    return about == recording.vm or about.startswith((f"virt-launcher-{recording.vm}-", *own_jobs))


async def replay(recording: Recording) -> Outcome:
    if os.environ.get(KUBECONFIG_VARIABLE):
        if directions(recording.name) != Directions():
            pytest.skip("needs played faults")
        async with real(recording.namespace) as cluster:
            play = Play(recording, cluster)
            before = [o for o in await cluster.settle(SETTLE) if concerns(recording, o)]
            await play.run()
            return outcome_of(recording, before, cluster.events, play.answers)
    async with simulated(world_for(recording)) as bench:
        play = Play(recording, bench)
        await play.prepare(bench)
        before = [o for o in await everything(bench, recording) if concerns(recording, o)]
        await play.run()
        return outcome_of(recording, before, bench.events, play.answers)


def outcome_of(recording: Recording, before: list[Json], events: list[Event], answers: Answers) -> Outcome:
    initial = relevant(recording, before)
    finished = {o["metadata"]["uid"] for o in before} - {o["metadata"]["uid"] for o in initial}
    kept = [e for e in events if concerns(recording, e.obj) and e.uid not in finished]
    return Outcome(recording, kept, answers, initial)


async def everything(bench: Any, recording: Recording) -> list[Json]:
    found: list[Json] = []
    kubevirt = f"/apis/kubevirt.io/v1/namespaces/{recording.namespace}"
    for path, kind in (
        (f"{kubevirt}/virtualmachines", "VirtualMachine"),
        (f"{kubevirt}/virtualmachineinstances", "VirtualMachineInstance"),
        (f"{kubevirt}/virtualmachineinstancemigrations", "VirtualMachineInstanceMigration"),
        (f"/api/v1/namespaces/{recording.namespace}/pods", "Pod"),
        ("/api/v1/nodes", "Node"),
    ):
        _, listed, _ = await bench.call("GET", path, {}, None, {})
        found += [item | {"kind": kind} for item in listed["items"]]
    return found


def different_answers(outcome: Outcome) -> list[str]:
    found = []
    for call, status, body, warning in outcome.answers:
        expected = (call.status, comparable(call.answer), call.warning)
        actual = (status, comparable(body), warning)
        if expected != actual:
            found.append(f"{call.verb} {call.path} at {call.t}: recorded {expected}, got {actual}")
    return found


def different_facets(outcome: Outcome) -> dict[str, str]:
    """The facets whose values differ, each with both sequences."""
    recorded, seen = outcome.recorded, outcome.seen
    return {
        facet: f"\n  recorded {recorded.get(facet)}\n  seen     {seen.get(facet)}"
        for facet in sorted(recorded.keys() | seen.keys())
        if recorded.get(facet) != seen.get(facet)
    }


def late_moments(outcome: Outcome) -> list[str]:
    """Values that came at another time than recorded; only where the sequence is the same."""
    found = []
    for facet, recorded in outcome.recorded_times.items():
        if facet.split(" ", 1)[1] in TIMED and outcome.recorded[facet] == outcome.seen.get(facet):
            pairs = zip(recorded, outcome.seen_times[facet], strict=True)
            found += [f"{facet}: recorded {r}, seen {s:.3f}" for r, s in pairs if abs(r - s) > TOLERANCE]
    return found


def different_events(outcome: Outcome) -> list[str]:
    missing = outcome.recorded_events - outcome.seen_events
    added = outcome.seen_events - outcome.recorded_events
    return [f"missing {e}" for e in sorted(missing)] + [f"not recorded {e}" for e in sorted(added)]


def unexplained(name: str, outcome: Outcome) -> list[str]:
    """The differences that the table does not name, and the entries of the table that name none."""
    facets_found, late, events = different_facets(outcome), late_moments(outcome), different_events(outcome)
    known = {facet for where, facet in differences.FACETS if where == name}
    words = {text for where, text in differences.EVENTS if where == name}
    found = different_answers(outcome)
    found += [f"{facet}:{values}" for facet, values in facets_found.items() if facet not in known]
    found += late if "time" not in known else []
    found += [e for e in events if not any(w in e for w in words)]
    stale = known - facets_found.keys() - ({"time"} if late else set())
    stale |= {w for w in words if not any(w in e for e in events)}
    return found + [f"the table excuses what does not differ: {entry}" for entry in sorted(stale)]


@pytest.mark.parametrize("name", names())
async def test_the_simulation_tells_the_recorded_story(name: str) -> None:
    outcome = await replay(load(name))
    found = unexplained(name, outcome)
    assert not found, "\n".join(found)
