"""A pin narrows and never widens, and goes away without a trace."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8s import placement
from k8s.snapshots import Json, Placement
from tests.facts import node

HOST = "kubernetes.io/hostname"
ZONES, HOSTS = ["a", "b"], ["worker-01", "worker-05"]

expressions = st.fixed_dictionaries(
    {
        "key": st.sampled_from(["zone", HOST]),
        "operator": st.sampled_from(["In", "NotIn"]),
        "values": st.lists(st.sampled_from([*ZONES, *HOSTS]), min_size=1, max_size=2, unique=True),
    }
) | st.fixed_dictionaries({"key": st.just("zone"), "operator": st.sampled_from(["Exists", "DoesNotExist"])})
fields = st.fixed_dictionaries(
    {
        "key": st.just("metadata.name"),
        "operator": st.just("In"),
        "values": st.lists(st.sampled_from(HOSTS), min_size=1, max_size=1),
    }
)
terms = st.fixed_dictionaries(
    {},
    optional={"matchExpressions": st.lists(expressions, max_size=2), "matchFields": st.lists(fields, max_size=1)},
)
required = st.fixed_dictionaries({"nodeSelectorTerms": st.lists(terms, min_size=1, max_size=3)})
node_affinity: st.SearchStrategy[Json] = st.fixed_dictionaries(
    {},
    optional={
        placement.REQUIRED: required,
        "preferredDuringSchedulingIgnoredDuringExecution": st.just([{"weight": 1}]),
    },
)
affinities: st.SearchStrategy[Json | None] = st.none() | st.fixed_dictionaries(
    {}, optional={"nodeAffinity": node_affinity, "podAntiAffinity": st.just({"x": [1]})}
)
NODES = [node(name, labels={HOST: name, "zone": zone}) for name in HOSTS for zone in ZONES]


def allowed(affinity: Json | None) -> set[int]:
    rules = Placement(affinity=affinity or {})
    return {index for index, candidate in enumerate(NODES) if not placement.objections(rules, candidate)}


@given(affinities, st.sampled_from(HOSTS))
def test_pin_and_unpin_give_the_same_back(affinity: Json | None, host: str) -> None:
    assert placement.unpin(placement.pin(affinity, host), affinity, host) == affinity


@given(affinities, st.sampled_from(HOSTS))
def test_a_pin_allows_exactly_what_was_allowed_on_that_host(affinity: Json | None, host: str) -> None:
    on_host = {index for index, candidate in enumerate(NODES) if candidate.name == host}
    assert allowed(placement.pin(affinity, host)) == allowed(affinity) & on_host


@given(affinities, st.sampled_from(HOSTS))
def test_a_pin_leaves_preferences_and_pod_rules_alone(affinity: Json | None, host: str) -> None:
    pinned, before = placement.pin(affinity, host), affinity or {}
    preferred = "preferredDuringSchedulingIgnoredDuringExecution"
    assert pinned.get("podAntiAffinity") == before.get("podAntiAffinity")
    assert pinned["nodeAffinity"].get(preferred) == (before.get("nodeAffinity") or {}).get(preferred)


def test_what_somebody_changed_while_it_was_pinned_stays() -> None:
    pinned = placement.pin(None, "worker-05")
    changed: dict[str, Any] = {**pinned, "podAffinity": {"y": 1}}
    assert placement.unpin(changed, None, "worker-05") == {"podAffinity": {"y": 1}}


@given(affinities, st.sampled_from(HOSTS))
def test_a_pin_instead_allows_exactly_that_host_and_goes_without_a_trace(affinity: Json | None, host: str) -> None:
    pinned = placement.pin_instead(affinity, host)
    assert allowed(pinned) == {index for index, candidate in enumerate(NODES) if candidate.name == host}
    assert placement.restore(pinned, affinity, host) == affinity


@given(affinities, st.sampled_from(HOSTS))
def test_a_pin_instead_comes_off_what_somebody_has_changed_meanwhile(affinity: Json | None, host: str) -> None:
    pinned = placement.pin_instead(affinity, host)
    loose = placement.restore({**pinned, "podAffinity": {"y": 1}}, affinity, host)
    assert loose is not None
    assert loose.pop("podAffinity") == {"y": 1}
    assert allowed(loose) == allowed(affinity)


def test_terms_that_somebody_puts_in_place_of_ours_stay() -> None:
    ours: Json = placement.pin_instead(None, "worker-05")
    (term,) = ours["nodeAffinity"][placement.REQUIRED]["nodeSelectorTerms"]
    zone = {"key": "zone", "operator": "In", "values": ["a"]}
    term["matchExpressions"].append(zone)
    back = placement.restore(ours, None, "worker-05")
    assert back == {"nodeAffinity": {placement.REQUIRED: {"nodeSelectorTerms": [{"matchExpressions": [zone]}]}}}


def test_is_pinned_asks_every_alternative() -> None:
    two: Json = {
        "nodeAffinity": {
            placement.REQUIRED: {
                "nodeSelectorTerms": [
                    {"matchExpressions": [{"key": "zone", "operator": "In", "values": ["a"]}]},
                    {"matchExpressions": [{"key": "zone", "operator": "In", "values": ["b"]}]},
                ]
            }
        }
    }
    assert placement.is_pinned(placement.pin(two, "worker-05"), "worker-05")
    assert not placement.is_pinned(two, "worker-05")
    assert not placement.is_pinned(None, "worker-05")


def test_objections_name_the_key_that_fails() -> None:
    rules = Placement(affinity={}, node_selector={"disk": "ssd"})
    assert placement.objections(rules, NODES[0]) == ("nodeSelector disk=ssd",)


IN_A = {"key": "zone", "operator": "In", "values": ["a"]}


def on(*hosts: str) -> Json:
    return {"key": HOST, "operator": "In", "values": list(hosts)}


@pytest.mark.parametrize(
    ("selector", "alternatives", "held"),
    [
        ({}, [[on("worker-01")]], {"worker-01"}),
        ({}, [[on("worker-01"), IN_A], [on("worker-05")]], {"worker-01", "worker-05"}),
        ({}, [[on("worker-01")], [IN_A]], set()),
        ({HOST: "worker-05"}, [[IN_A]], {"worker-05"}),
        ({}, [], set()),
    ],
)
def test_a_vm_is_held_to_hostnames_only_where_each_alternative_names_some(
    selector: dict[str, str], alternatives: list[list[Json]], held: set[str]
) -> None:
    terms = {"nodeSelectorTerms": [{"matchExpressions": each} for each in alternatives]}
    rules = Placement({"nodeAffinity": {placement.REQUIRED: terms}}, selector)
    assert placement.hostnames(rules) == held
