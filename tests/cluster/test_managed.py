"""The patch between two states of a VM, for any affinity that a VM may have."""

import copy
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.sandbox.cluster.errors import ApiError
from bot.sandbox.cluster.patch import json_patch
from k8s import parse
from k8s.managed import Managed, managed, patch, pointer
from k8s.names import ANNOTATION_NOTE
from k8s.note import Note, note_for, parse_note, read_note
from k8s.placement import REQUIRED
from k8s.snapshots import Json
from tests.cluster.api import load

HOST = "kubernetes.io/hostname"
PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"

expressions = st.fixed_dictionaries(
    {
        "key": st.sampled_from([HOST, "zone", "a/b~c"]),
        "operator": st.sampled_from(["In", "NotIn"]),
        "values": st.lists(st.sampled_from(["worker-01", "worker-05"]), min_size=1, max_size=2, unique=True),
    }
)
terms = st.fixed_dictionaries(
    {},
    optional={
        "matchExpressions": st.lists(expressions, max_size=3),
        "matchFields": st.lists(expressions, max_size=1),
    },
)
rules = st.fixed_dictionaries({}, optional={"nodeSelectorTerms": st.lists(terms, max_size=3)})
node_affinity = st.fixed_dictionaries(
    {}, optional={REQUIRED: rules, PREFERRED: st.just([{"weight": 1, "preference": {}}])}
)
affinities: st.SearchStrategy[Json | None] = st.none() | st.fixed_dictionaries(
    {}, optional={"nodeAffinity": node_affinity, "podAntiAffinity": st.just({PREFERRED: []})}
)
members = st.none() | st.dictionaries(st.sampled_from(["team", "x/y~z"]), st.text(max_size=3), min_size=1)
runs = st.sampled_from([("Always", None), ("Halted", None), (None, True), (None, False)])
selectors = st.none() | st.dictionaries(st.sampled_from(["zone", "disk", "a/b~c"]), st.sampled_from(["a", "b"]))
hosts = st.sampled_from(["worker-01", "worker-05"])


@st.composite
def vms(draw: st.DrawFn) -> Json:
    """Any VM, as far as the bot writes it."""
    raw = load("vm-always")
    metadata, template = raw["metadata"], raw["spec"]["template"]["spec"]
    for container, key, value in (
        (metadata, "annotations", draw(members)),
        (metadata, "labels", draw(members)),
        (template, "affinity", draw(affinities)),
        (template, "nodeSelector", draw(selectors)),
        *zip([raw["spec"]] * 2, ["runStrategy", "running"], draw(runs), strict=True),
    ):
        container.pop(key, None)
        if value is not None:
            container[key] = value
    return raw


def after(raw: Json, wanted: Managed) -> Json:
    return json_patch(raw, patch(parse.virtual_machine(raw), wanted))


def noted(raw: Json, hostname: str, plan: str = "p1") -> tuple[Json, Note]:
    """That VM with our pin, as a move leaves it."""
    vm = parse.virtual_machine(raw)
    note = note_for(vm, plan=plan, epoch=1, hostname=hostname)
    wanted = replace(managed(vm), affinity=note.pinned(), note=note.text(), label=note.plan)
    return after(raw, wanted), note


def freed(raw: Json) -> Json:
    vm = parse.virtual_machine(raw)
    note = read_note(vm)
    assert note is not None
    now = managed(vm)
    affinity, selector = note.unpinned(now.affinity), note.unpinned_selector(now.node_selector)
    return after(raw, replace(now, affinity=affinity, node_selector=selector, note=None, label=None))


@given(vms(), hosts)
def test_a_pin_comes_off_without_a_trace(raw: Json, hostname: str) -> None:
    pinned, note = noted(raw, hostname)
    assert read_note(parse.virtual_machine(pinned)) == note
    loose = freed(pinned)
    assert loose["spec"] == raw["spec"]
    for field in ("annotations", "labels"):
        assert (loose["metadata"].get(field) or {}) == raw["metadata"].get(field, {})


def replacing(raw: Json, hostname: str, keys: set[str], *, terms: bool, plan: str = "p1") -> tuple[Json, Note]:
    """That VM with a pin that takes the place of rules."""
    vm = parse.virtual_machine(raw)
    note = note_for(vm, plan=plan, epoch=1, hostname=hostname)
    dropped = {key: value for key, value in (note.node_selector or {}).items() if key in keys}
    note = replace(note, dropped=dropped, terms_replaced=terms)
    wanted = replace(
        managed(vm),
        affinity=note.pinned(),
        node_selector=note.pinned_selector(note.node_selector),
        note=note.text(),
        label=note.plan,
    )
    return after(raw, wanted), note


dropped_keys = st.sets(st.sampled_from(["zone", "disk", "a/b~c"]))


@given(raw=vms(), hostname=hosts, keys=dropped_keys, terms=st.booleans())
def test_a_pin_that_replaces_rules_comes_off_without_a_trace(
    raw: Json, hostname: str, keys: set[str], *, terms: bool
) -> None:
    pinned, note = replacing(raw, hostname, keys, terms=terms)
    assert read_note(parse.virtual_machine(pinned)) == note
    left = (pinned["spec"]["template"]["spec"].get("nodeSelector") or {}).keys()
    assert left == (raw["spec"]["template"]["spec"].get("nodeSelector") or {}).keys() - keys
    assert freed(pinned)["spec"] == raw["spec"]
    moved_on, _ = noted(pinned, "worker-09", plan="p2")
    assert read_note(parse.virtual_machine(moved_on)) == note_for(
        parse.virtual_machine(raw), plan="p2", epoch=1, hostname="worker-09"
    )


@given(vms(), hosts, dropped_keys)
def test_what_somebody_sets_in_the_node_selector_meanwhile_stays(raw: Json, hostname: str, keys: set[str]) -> None:
    pinned, note = replacing(raw, hostname, keys, terms=True)
    theirs = {**(pinned["spec"]["template"]["spec"].get("nodeSelector") or {}), "zone": "theirs", "new": "x"}
    pinned["spec"]["template"]["spec"]["nodeSelector"] = theirs
    assert freed(pinned)["spec"]["template"]["spec"]["nodeSelector"] == {**note.dropped, **theirs}


def test_a_note_of_an_older_version_is_read_and_changes_no_node_selector() -> None:
    text = '{"plan": "p", "epoch": 1, "run_strategy": null, "running": null, "affinity": null, "hostname": "h"}'
    note = parse_note(text)
    assert note is not None
    assert not note.replaces
    for selector in (None, {}, {"zone": "a"}):
        assert (note.pinned_selector(selector), note.unpinned_selector(selector)) == (selector, selector)


@given(vms(), hosts, hosts)
def test_after_two_pins_the_first_original_comes_back(raw: Json, first: str, second: str) -> None:
    pinned, _ = noted(raw, first)
    again, _ = noted(pinned, second, plan="p2")
    assert freed(again)["spec"] == raw["spec"]


@given(vms(), vms())
def test_a_patch_leads_to_what_is_wanted_and_then_there_is_nothing_left_to_do(raw: Json, other: Json) -> None:
    wanted = managed(parse.virtual_machine(other))
    reached = parse.virtual_machine(after(raw, wanted))
    assert managed(reached) == wanted
    assert patch(reached, wanted) == []


@pytest.mark.parametrize(
    "path",
    [
        ("metadata", "uid"),
        ("spec", "runStrategy"),
        ("spec", "template", "spec", "affinity"),
        ("spec", "template", "spec", "nodeSelector"),
    ],
)
@given(raw=vms())
def test_a_patch_fails_where_what_was_read_no_longer_stands(path: tuple[str, ...], raw: Json) -> None:
    vm = parse.virtual_machine(raw)
    operations = patch(vm, replace(managed(vm), note="n", label="l"))
    changed: Any = copy.deepcopy(raw)
    inner = changed
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = "changed"
    with pytest.raises(ApiError):
        json_patch(changed, operations)


def test_names_with_slashes_and_tildes_become_one_step() -> None:
    assert pointer("metadata", "annotations", "a~b/c") == "/metadata/annotations/a~0b~1c"


@pytest.mark.parametrize(
    "text",
    [
        *(None, "", "nonsense", "[]", "null", "{}", '{"plan": "p1"}'),
        '{"plan": "p", "epoch": "1", "run_strategy": null, "running": null, "affinity": null, "hostname": "h"}',
        '{"plan": "p", "epoch": 1, "run_strategy": null, "running": null, "affinity": "h", "hostname": "h"}',
        '{"plan": "p", "epoch": 1, "run_strategy": null, "running": null, "affinity": null, "hostname": "h", "x": 1}',
    ],
)
def test_what_is_no_note_of_ours_is_none(text: str | None) -> None:
    assert parse_note(text) is None


@given(affinities)
def test_a_note_is_read_as_it_was_written(affinity: Json | None) -> None:
    note = Note("p1", 3, "Once", None, affinity, "worker-05", {"zone": "a"}, {"zone": "a"}, terms_replaced=True)
    assert parse_note(note.text()) == note


@pytest.mark.parametrize("field", ["annotations", "labels"])
@given(raw=vms())
def test_a_patch_fails_where_our_note_or_the_first_label_came_in_between(field: str, raw: Json) -> None:
    raw["metadata"].pop("labels", None)
    vm = parse.virtual_machine(raw)
    operations = patch(vm, replace(managed(vm), note="n", label="l"))
    changed = copy.deepcopy(raw)
    changed["metadata"][field] = {**changed["metadata"].get(field, {}), ANNOTATION_NOTE: "somebody's"}
    with pytest.raises(ApiError):
        json_patch(changed, operations)


@given(affinities, hosts)
def test_rules_that_we_never_pinned_are_not_loosened(affinity: Json | None, hostname: str) -> None:
    assert Note("p1", 1, "Always", None, affinity, hostname).unpinned(affinity) == affinity
