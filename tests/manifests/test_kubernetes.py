"""The manifests as kubectl renders them: they fit together, they are restricted, and the rights are the bot's own."""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from bot import policyfile
from bot.settings import Settings, env_name
from handlers.requesturl import PATH
from k8s.names import VMIM_CRD
from k8s.rights import NEEDED, NEEDED_COLD, OPTIONAL, Right

ROOT = Path(__file__).parents[2] / "manifests"
KUBECTL = shutil.which("kubectl", path=str(Path(sys.executable).parent)) or shutil.which("kubectl")
OVERLAYS = ("socket", "namespaced", "http", "openshift")
EVERY_OVERLAY = sorted(path.name for path in (ROOT / "overlays").iterdir())
BOT = {"kind": "ServiceAccount", "name": "vm-migrate-bot", "namespace": "vm-migrate-bot"}

Json = dict[str, Any]


def render(overlay: str, root: Path = ROOT) -> list[Json]:
    assert KUBECTL is not None, "kubectl comes with the development dependencies"
    command = [KUBECTL, "kustomize", str(root / "overlays" / overlay)]
    return list(yaml.safe_load_all(subprocess.run(command, check=True, capture_output=True, text=True).stdout))


@pytest.fixture(scope="module", params=OVERLAYS)
def overlay(request: pytest.FixtureRequest) -> list[Json]:
    return render(request.param)


def the(objects: list[Json], kind: str, name: str = "vm-migrate-bot") -> Json:
    (found,) = [each for each in objects if (each["kind"], each["metadata"]["name"]) == (kind, name)]
    return found


def pod(objects: list[Json]) -> Json:
    spec: Json = the(objects, "Deployment")["spec"]["template"]["spec"]
    return spec


def rights(role: Json) -> set[Right]:
    made = set()
    for rule in role["rules"]:
        for group, verb, named in (
            (group, verb, named) for group in rule["apiGroups"] for verb in rule["verbs"] for named in rule["resources"]
        ):
            resource, _, subresource = named.partition("/")
            (name,) = rule.get("resourceNames") or ("",)
            made.add(Right(verb, group, resource, subresource, name))
    return made


def test_everything_lives_in_one_namespace_that_enforces_restricted_pods(overlay: list[Json]) -> None:
    cluster_wide = {"Namespace", "ClusterRole", "ClusterRoleBinding"}
    elsewhere = [each for each in overlay if each["kind"] not in cluster_wide | {"RoleBinding"}]
    assert {each["metadata"]["namespace"] for each in elsewhere} == {"vm-migrate-bot"}
    labels = the(overlay, "Namespace")["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


def test_one_bot_runs_and_the_old_one_goes_before_the_new_one_comes(overlay: list[Json]) -> None:
    spec = the(overlay, "Deployment")["spec"]
    assert (spec["replicas"], spec["strategy"]) == (1, {"type": "Recreate"})


def test_the_pod_is_restricted(overlay: list[Json]) -> None:
    """kubernetes.io/docs/concepts/security/pod-security-standards, profile Restricted; and a read-only root."""
    spec = pod(overlay)
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in spec["containers"]:
        held = container["securityContext"]
        assert held["allowPrivilegeEscalation"] is False
        assert held["readOnlyRootFilesystem"] is True
        assert held["capabilities"] == {"drop": ["ALL"]}
        assert {"requests", "limits"} <= container["resources"].keys()


def test_the_store_is_on_a_volume_of_its_own_that_one_node_attaches(overlay: list[Json]) -> None:
    settings = the(overlay, "ConfigMap")["data"]
    (bot,) = pod(overlay)["containers"]
    mounts = {mount["mountPath"]: mount["name"] for mount in bot["volumeMounts"]}
    claims = {volume["name"]: volume.get("persistentVolumeClaim", {}) for volume in pod(overlay)["volumes"]}
    assert settings["VM_MIGRATE_DATABASE_URL"].startswith("sqlite+aiosqlite:////data/")
    claim = the(overlay, "PersistentVolumeClaim", claims[mounts["/data"]]["claimName"])
    assert claim["spec"]["accessModes"] == ["ReadWriteOnce"]


def test_settings_are_ones_that_the_bot_knows_and_no_secret_is_among_them(overlay: list[Json]) -> None:
    slack = {"SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET"}
    known = slack | {env_name(field) for field in Settings.model_fields}
    settings = the(overlay, "ConfigMap")["data"]
    secret = yaml.safe_load((ROOT / "secret.example.yaml").read_text())
    assert settings.keys() | secret["stringData"].keys() <= known
    assert not any("TOKEN" in name or "SECRET" in name for name in settings)
    assert set(secret["stringData"].values()) == {""}
    assert "Secret" not in {each["kind"] for each in overlay}


def test_the_roles_are_what_the_bot_asks_for_and_nothing_else() -> None:
    objects = render("socket")
    granted = rights(the(objects, "ClusterRole")) | rights(the(objects, "ClusterRole", "vm-migrate-bot-cluster"))
    assert granted == {*NEEDED, *NEEDED_COLD, *OPTIONAL}


def test_the_right_to_read_definitions_is_for_one_only() -> None:
    (rule,) = [
        rule
        for rule in the(render("socket"), "ClusterRole", "vm-migrate-bot-cluster")["rules"]
        if "customresourcedefinitions" in rule["resources"]
    ]
    assert rule["resourceNames"] == [VMIM_CRD]


def test_the_cluster_wide_variant_binds_both_roles_everywhere() -> None:
    bound = [each for each in render("socket") if each["kind"].endswith("RoleBinding")]
    assert {each["kind"] for each in bound} == {"ClusterRoleBinding"}
    assert {each["roleRef"]["name"] for each in bound} == {"vm-migrate-bot", "vm-migrate-bot-cluster"}
    assert all(each["subjects"] == [BOT] for each in bound)


def test_the_namespaced_variant_gives_no_right_to_vms_elsewhere() -> None:
    bound = {
        (each["kind"], each["metadata"].get("namespace", "")): each["roleRef"]["name"]
        for each in render("namespaced")
        if each["kind"].endswith("RoleBinding")
    }
    assert bound == {
        ("ClusterRoleBinding", ""): "vm-migrate-bot-cluster",
        ("RoleBinding", "production"): "vm-migrate-bot",
    }
    groups = {right.group for right in rights(the(render("namespaced"), "ClusterRole", "vm-migrate-bot-cluster"))}
    assert "subresources.kubevirt.io" not in groups


def ports_in(objects: list[Json]) -> list[int]:
    return [port["port"] for rule in the(objects, "NetworkPolicy")["spec"]["ingress"] for port in rule["ports"]]


def test_only_monitoring_comes_in_and_with_http_mode_slacks_requests_too() -> None:
    policy = the(render("socket"), "NetworkPolicy")["spec"]
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    assert ports_in(render("socket")) == [9090]
    assert ports_in(render("http")) == [9090, 3000]


def test_the_probes_ask_where_the_bot_answers(overlay: list[Json]) -> None:
    (bot,) = pod(overlay)["containers"]
    ports = {port["name"]: port["containerPort"] for port in bot["ports"]}
    assert the(overlay, "ConfigMap")["data"]["VM_MIGRATE_OPERATIONS_LISTEN"] == f":{ports['operations']}"
    asked = {kind: bot[kind]["httpGet"] for kind in ("startupProbe", "livenessProbe", "readinessProbe")}
    assert {kind: get["path"] for kind, get in asked.items()} == {
        "startupProbe": "/healthz",
        "livenessProbe": "/healthz",
        "readinessProbe": "/readyz",
    }
    assert {get["port"] for get in asked.values()} == {"operations"}


def test_in_http_mode_one_path_of_one_host_leads_to_the_bot() -> None:
    objects = render("http")
    ports = {port["name"]: port["containerPort"] for port in pod(objects)["containers"][0]["ports"]}
    (service_port,) = the(objects, "Service")["spec"]["ports"]
    (rule,) = the(objects, "Ingress")["spec"]["rules"]
    (path,) = rule["http"]["paths"]
    assert the(objects, "ConfigMap")["data"]["VM_MIGRATE_SLACK_LISTEN"] == f":{ports['slack']}"
    assert service_port["targetPort"] == "slack"
    assert (path["path"], path["pathType"]) == (PATH, "Exact")
    assert path["backend"]["service"] == {"name": "vm-migrate-bot", "port": {"name": service_port["name"]}}
    labels = the(objects, "Deployment")["spec"]["template"]["metadata"]["labels"]
    assert the(objects, "Service")["spec"]["selector"].items() <= labels.items()


def test_openshift_chooses_the_user_ids() -> None:
    assert pod(render("openshift"))["securityContext"] == {
        "runAsNonRoot": True,
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def test_the_namespaced_variant_names_the_namespaces_that_it_has_rights_in() -> None:
    objects = render("namespaced")
    bound = {each["metadata"]["namespace"] for each in objects if each["kind"] == "RoleBinding"}
    named = the(objects, "ConfigMap")["data"]["VM_MIGRATE_NAMESPACES"].split(",")
    assert set(named) == bound


def test_the_policy_component_mounts_a_file_that_the_bot_reads(tmp_path: Path) -> None:
    shutil.copytree(ROOT, tmp_path / "manifests")
    mine = tmp_path / "manifests" / "overlays" / "mine"
    mine.mkdir()
    (mine / "kustomization.yaml").write_text("resources: [../socket]\ncomponents: [../../components/policy]\n")
    objects = render("mine", tmp_path / "manifests")
    where = Path(the(objects, "ConfigMap")["data"]["VM_MIGRATE_POLICY_FILE"])
    (bot,) = pod(objects)["containers"]
    (mount,) = [each for each in bot["volumeMounts"] if each["name"] == "policy"]
    assert mount["mountPath"] == str(where.parent)
    text = the(objects, "ConfigMap", "vm-migrate-bot-policy")["data"][where.name]
    (tmp_path / where.name).write_text(text)
    assert policyfile.load(tmp_path / where.name).rules


@pytest.mark.parametrize("name", EVERY_OVERLAY)
def test_every_object_is_one_that_kubernetes_knows_field_by_field(name: str) -> None:
    """By Kubernetes' own published schemas, no unknown field let through; several versions that people run."""
    for each in render(name):
        for version in ("1.28", "1.34"):
            kubernetes_validate.validate(each, version, strict=True)
