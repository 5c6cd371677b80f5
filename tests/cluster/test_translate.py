"""Each answer of a real API server becomes one error of the tree, in the cluster's own words."""

import json
from typing import Any

import pytest

from k8s.client import paths
from k8s.client.translate import DEFAULT_RETRY_AFTER, MESSAGE_LIMIT, Sent, translate
from k8s.errors import (
    AlreadyExists,
    ClusterError,
    Conflict,
    Forbidden,
    InFlight,
    Invalid,
    NotFound,
    Refused,
    TooMany,
    Unauthorized,
    Unreachable,
)
from tests.cluster.api import load, status

RECORDED: list[tuple[str, type[ClusterError], str]] = [
    ("VMIM for a non-migratable VMI (RWO disk)", Refused, "Cannot migrate VMI, Reason: DisksNotLiveMigratable"),
    ("VMIM for a missing VMI", Refused, 'the VMI "production/no-such-vm" does not exist'),
    ("VMIM in a missing namespace", NotFound, 'Namespace "no-such-ns" not found'),
    ("VMIM unknown field, fieldValidation=Strict", Refused, "strict decoding error: unknown field"),
    ("VMIM without vmiName", Refused, "vmiName is missing"),
    ("VMIM with an invalid name", Refused, "Bad_Name"),
    ("VMIM with the SAME name while it is in flight", InFlight, "in-flight migration detected"),
    ("VMIM name already exists (the existing one is final)", AlreadyExists, "already exists"),
    ("subresource PUT with Accept: application/json: 406", Invalid, "the API server answered 406"),
    ("start of a running VM (Always)", Conflict, "VM is already running"),
    ("start of a missing VM", NotFound, 'VirtualMachine "no-such-vm" not found'),
    ("unknown subresource", Invalid, "does not serve this API"),
    ("restart again while the first is under way", Unreachable, "already underway"),
    ("merge patch with a stale resourceVersion", Conflict, "the object has been modified"),
    ("JSON patch with a failing test", Conflict, "the server rejected our request"),
    ("strategic merge patch on a custom resource", Invalid, "unknown format"),
    ("merge patch of a VM with an unknown field, fieldValidation=Strict", Refused, "strict decoding error"),
    ("GET of a missing VMI (stopped VM)", NotFound, 'VirtualMachineInstance "batch-01" not found'),
    ("GET of a missing node", NotFound, 'Node "worker-99" not found'),
    ("GET of a missing API group", Invalid, "does not serve this API"),
    ("forbidden: create VMIM", Forbidden, 'cannot create resource "virtualmachineinstancemigrations"'),
    ("forbidden: PUT start", Forbidden, 'cannot update resource "virtualmachines/start"'),
    ("forbidden: list nodes", Forbidden, 'cannot list resource "nodes"'),
    ("invalid bearer credential", Unauthorized, "Unauthorized"),
    ("bad label selector", Invalid, "unable to parse requirement"),
    ("watch/list at a resourceVersion from the future", Unreachable, "Too large resource version"),
    ("list with an expired continue", Invalid, "too old"),
]


def translated(what: str) -> ClusterError:
    entry = load("answers")[what]
    body = entry["body"]
    content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    return translate(Sent(entry["method"], entry["path"], entry["contentType"]), entry["status"], {}, content)


@pytest.mark.parametrize(("what", "kind", "words"), RECORDED, ids=[what for what, _, _ in RECORDED])
def test_a_recorded_answer(what: str, kind: type[ClusterError], words: str) -> None:
    error = translated(what)
    assert type(error) is kind
    assert words in error.message
    assert "admission webhook" not in error.message
    assert error.code == load("answers")[what]["status"]


def test_in_flight_names_the_migration_that_is_in_the_way() -> None:
    error = translated("VMIM with the SAME name while it is in flight")
    assert isinstance(error, InFlight)
    assert error.uid == "8d2c7468-531b-422f-8ad5-0d975783159a"


def test_forbidden_names_the_missing_right() -> None:
    error = translated("forbidden: PUT start")
    assert isinstance(error, Forbidden)
    assert (error.verb, error.resource, error.namespace) == ("update", "virtualmachines/start", "production")


def test_forbidden_for_the_whole_cluster_has_no_namespace() -> None:
    error = translated("forbidden: list nodes")
    assert isinstance(error, Forbidden)
    assert (error.verb, error.resource, error.namespace) == ("list", "nodes", "")


def test_not_found_has_the_namespace_of_the_request() -> None:
    error = translated("GET of a missing VMI (stopped VM)")
    assert isinstance(error, NotFound)
    assert (error.kind, error.name, error.namespace) == ("VirtualMachineInstance", "batch-01", "production")


def test_a_rejected_patch_does_not_quote_the_object() -> None:
    error = translated("merge patch of a VM with an unknown field, fieldValidation=Strict")
    assert "apiVersion" not in error.message


def of(code: int, body: dict[str, Any] | bytes, headers: dict[str, str] | None = None) -> ClusterError:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return translate(Sent("POST", "/apis/x/v1/namespaces/production/things"), code, headers or {}, content)


def test_a_404_of_a_proxy_is_not_a_missing_object() -> None:
    assert type(of(404, b"<html>not here</html>")) is Invalid


def test_a_403_of_a_webhook_is_a_refusal_not_a_missing_right() -> None:
    error = of(403, status(403, 'admission webhook "policy.example" denied the request: no moves on Friday'))
    assert type(error) is Refused
    assert error.message == "no moves on Friday"


def test_an_exceeded_quota_is_a_refusal_not_a_missing_right() -> None:
    assert type(of(403, status(403, 'pods "x" is forbidden: exceeded quota: small', reason="Forbidden"))) is Refused


def test_a_403_without_a_status_still_names_the_verb() -> None:
    error = of(403, b"denied")
    assert isinstance(error, Forbidden)
    assert error.verb == "create"


@pytest.mark.parametrize(
    ("headers", "details", "seconds"),
    [
        ({"Retry-After": "7"}, {}, 7.0),
        ({}, {"retryAfterSeconds": 3}, 3.0),
        ({}, {}, DEFAULT_RETRY_AFTER),
        ({"Retry-After": "Sun, 22 Nov 2026 20:00:00 GMT"}, {}, DEFAULT_RETRY_AFTER),
    ],
)
def test_429_says_when_to_come_back(headers: dict[str, str], details: dict[str, int], seconds: float) -> None:
    error = of(429, status(429, "storage is (re)initializing", details=details), headers)
    assert isinstance(error, TooMany)
    assert error.retry_after == seconds


@pytest.mark.parametrize("code", [408, 500, 502, 503, 504])
def test_what_may_work_later_is_temporary(code: int) -> None:
    error = of(code, b"")
    assert type(error) is Unreachable
    assert error.temporary


def test_a_webhook_that_cannot_be_called_is_an_outage() -> None:
    text = (
        'Internal error occurred: failed calling webhook "migration-create-validator.kubevirt.io": connection refused'
    )
    assert type(of(500, status(500, text, reason="InternalError"))) is Unreachable


def test_a_400_that_is_no_status_is_not_put_into_the_clusters_mouth() -> None:
    assert type(of(400, b"bad gateway configuration")) is Invalid


def test_a_long_message_keeps_both_ends() -> None:
    error = of(422, status(422, "begin " + "x" * 5000 + " end", reason="Invalid"))
    assert len(error.message) <= MESSAGE_LIMIT
    assert error.message.startswith("begin")
    assert error.message.endswith("end")


@pytest.mark.parametrize(
    ("path", "resource"),
    [
        ("/apis/kubevirt.io/v1/namespaces/production/virtualmachines/web-01", "virtualmachines"),
        ("/apis/kubevirt.io/v1/virtualmachines", "virtualmachines"),
        ("/apis/subresources.kubevirt.io/v1/namespaces/production/virtualmachines/web-01/stop", "virtualmachines/stop"),
        ("/api/v1/nodes/worker-05", "nodes"),
        ("/api/v1/namespaces/production", "namespaces"),
        ("/api/v1/namespaces/production/pods", "pods"),
        ("/openapi/v3/apis/kubevirt.io/v1", "other"),
        ("/", "other"),
    ],
)
def test_a_path_is_counted_by_its_resource_and_never_by_a_name(path: str, resource: str) -> None:
    assert paths.resource_in(path) == resource
