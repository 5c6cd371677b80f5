"""The manifests for several bots on one PostgreSQL, as kubectl renders them."""

import pytest
import yaml

from tests.manifests.test_kubernetes import ROOT, Json, pod, render, the


@pytest.fixture(scope="module")
def objects() -> list[Json]:
    return render("replicas")


def test_several_bots_run_and_a_new_one_comes_before_an_old_one_goes(objects: list[Json]) -> None:
    spec = the(objects, "Deployment")["spec"]
    assert spec["replicas"] >= 2
    assert spec["strategy"] == {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}}


def test_a_drain_takes_one_bot_at_a_time_and_they_are_spread(objects: list[Json]) -> None:
    budget = the(objects, "PodDisruptionBudget")["spec"]
    labels = the(objects, "Deployment")["spec"]["template"]["metadata"]["labels"]
    assert budget["maxUnavailable"] == 1
    assert budget["selector"]["matchLabels"].items() <= labels.items()
    spread = pod(objects)["topologySpreadConstraints"]
    assert [each["topologyKey"] for each in spread] == ["kubernetes.io/hostname", "topology.kubernetes.io/zone"]
    assert all(each["labelSelector"]["matchLabels"].items() <= labels.items() for each in spread)


def test_the_database_comes_from_a_secret_alone_and_no_volume_is_asked_for(objects: list[Json]) -> None:
    assert "VM_MIGRATE_DATABASE_URL" not in the(objects, "ConfigMap")["data"]
    (bot,) = pod(objects)["containers"]
    (url,) = [each for each in bot["env"] if each["name"] == "VM_MIGRATE_DATABASE_URL"]
    secret = yaml.safe_load((ROOT / "overlays/replicas/secret.example.yaml").read_text())
    wanted = url["valueFrom"]["secretKeyRef"]
    assert (secret["metadata"]["name"], secret["stringData"]) == (wanted["name"], {wanted["key"]: ""})
    assert [volume for volume in pod(objects)["volumes"] if "persistentVolumeClaim" in volume] == []
    assert "PersistentVolumeClaim" not in {each["kind"] for each in objects}


def test_the_way_to_postgresql_is_open_and_only_monitoring_comes_in(objects: list[Json]) -> None:
    policy = the(objects, "NetworkPolicy")["spec"]
    assert {"protocol": "TCP", "port": 5432} in [port for rule in policy["egress"] for port in rule["ports"]]
    assert [port for rule in policy["ingress"] for port in rule["ports"]] == [{"protocol": "TCP", "port": 9090}]


def test_the_pods_are_as_restricted_as_a_single_one(objects: list[Json]) -> None:
    alone = pod(render("socket"))
    assert pod(objects)["securityContext"] == alone["securityContext"]
    assert pod(objects)["containers"][0]["securityContext"] == alone["containers"][0]["securityContext"]
