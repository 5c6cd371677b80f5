"""What a cluster says of itself, and what is made of it."""

import pytest

from bot import runbooks
from bot.checkup import Verdict, gate_lines, health_lines, kubernetes_line
from bot.diagnosis import diagnose_refusal
from k8s import errors as k8s
from k8s.platform import Platform, platform
from k8s.snapshots import Capabilities, Json

VERSION = {"gitVersion": "v1.34.9"}
CR: Json = {"metadata": {"name": "kubevirt", "namespace": "kubevirt"}, "status": {"phase": "Deployed"}}


def groups(*names: str) -> Json:
    return {"groups": [{"name": name} for name in names]}


def with_gates(*gates: str) -> Platform:
    configuration = {"developerConfiguration": {"featureGates": list(gates)}}
    return platform(VERSION, groups(), {**CR, "spec": {"configuration": configuration}})


@pytest.mark.parametrize(
    ("served", "namespace", "cli"),
    [
        (("apps", "kubevirt.io"), "kubevirt", "kubectl"),
        (("apps", "config.openshift.io"), "kubevirt", "oc"),
        (("project.openshift.io",), "kubevirt", "oc"),
        ((), "openshift-cnv", "oc"),
    ],
)
def test_openshift_is_known_by_its_api_or_by_where_its_kubevirt_is(
    served: tuple[str, ...], namespace: str, cli: str
) -> None:
    where = platform(VERSION, groups(*served), {"metadata": {"namespace": namespace}})
    assert where.cli == cli
    assert kubernetes_line(where).words.startswith("OpenShift" if cli == "oc" else "Kubernetes")


def test_a_kubernetes_that_does_not_check_fields_is_warned_of() -> None:
    assert kubernetes_line(platform({"gitVersion": "v1.24.17"}, groups(), CR)).verdict is Verdict.WARN
    assert kubernetes_line(platform({"gitVersion": "v1.25.0"}, groups(), CR)).verdict is Verdict.OK


def test_a_kubevirt_that_cannot_be_read_is_no_reason_to_stop() -> None:
    (line,) = health_lines(platform(VERSION, groups("config.openshift.io"), None))
    assert (line.verdict, "oc get kubevirts -A" in line.words) == (Verdict.WARN, True)


@pytest.mark.parametrize(
    ("version", "gates", "lines"),
    [
        ("v1.9.0", (), {"feature gates": Verdict.OK}),
        ("v1.4.1", (), {"feature gate VMLiveUpdateFeatures": Verdict.WARN}),
        ("v1.4.1", ("VMLiveUpdateFeatures",), {"feature gate VMLiveUpdateFeatures": Verdict.OK}),
    ],
)
def test_the_gates_that_a_version_still_needs_are_looked_for(
    version: str, gates: tuple[str, ...], lines: dict[str, Verdict]
) -> None:
    can = Capabilities(version, added_node_selector=False, rollout_strategy="Stage")
    assert {line.name: line.verdict for line in gate_lines(with_gates(*gates), can)} == lines


def test_a_cause_and_its_runbook_use_the_command_that_people_have() -> None:
    cause = diagnose_refusal(k8s.Refused("in-flight migration detected")).spoken_for("oc")
    assert "oc get vmim -A" in cause.remedy
    found = runbooks.find("capacity", "oc")
    assert found is not None
    assert "oc describe node" in found.text
    assert "kubectl" not in found.text
