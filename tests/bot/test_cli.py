"""The command line as an operator uses it: exit codes, what stands in the terminal, and what never does."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
import yaml

from bot import cli
from bot.sandbox.cluster import ClusterSandbox
from bot.sandbox.cluster.resources import CLUSTER_ROLE, CLUSTER_ROLE_BINDING, KUBEVIRT_CR, ROLE_BINDING
from bot.sandbox.slack import SlackSandbox
from bot.store import open_engine
from handlers.scopes import NEEDED as SCOPES
from k8s import rights
from tests.bot.conftest import ROLES

NEEDED = (*rights.NEEDED, *rights.NEEDED_COLD)
READER = "system:serviceaccount:production:reader"
OURS = ("VM_MIGRATE_", "SLACK_", "KUBECONFIG")


@dataclass(frozen=True)
class Said:
    """How a command ended."""

    code: int
    out: str
    err: str


Run = Callable[..., Awaitable[Said]]


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No settings but those of the test; and files that a command writes by itself go to a folder of the test."""
    for name in [name for name in os.environ if name.startswith(OURS)]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command in a thread, since it starts a loop of its own."""

    def main(arguments: tuple[str, ...]) -> int:
        with pytest.raises(SystemExit) as ended:
            cli.main(arguments)
        return int(ended.value.code or 0)

    async def run(*arguments: str) -> Said:
        capsys.readouterr()
        code = await asyncio.to_thread(main, arguments)
        told = capsys.readouterr()
        assert "Traceback" not in told.out + told.err
        return Said(code, told.out, told.err)

    return run


@pytest.fixture
def cluster(sandbox: ClusterSandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ClusterSandbox:
    """The settings that lead to the simulated cluster."""
    path = tmp_path / "kubeconfig"
    sandbox.write_kubeconfig(path)
    monkeypatch.setenv("KUBECONFIG", str(path))
    return sandbox


@pytest.fixture
async def slack(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SlackSandbox]:
    """The settings that lead to a local Slack."""
    running = SlackSandbox()
    await running.start()
    monkeypatch.setenv("SLACK_API_URL", running.api_url)
    monkeypatch.setenv("SLACK_BOT_TOKEN", running.bot_token)
    monkeypatch.setenv("SLACK_APP_TOKEN", running.app_token)
    yield running
    await running.stop()


def cells(table: str) -> dict[str, tuple[str, str]]:
    """The rows of a printed plan: label -> value and how we know it."""
    rows = [[cell.strip() for cell in line.strip().split("  ") if cell.strip()] for line in table.splitlines()]
    return {row[0]: (row[1], row[2]) for row in rows if len(row) == 3}


async def test_a_plan_prints_every_row_without_any_slack_setting(cluster: ClusterSandbox, run: Run) -> None:
    said = await run("plan", "web-01 worker-05")
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith("Move plan: web-01 (production) from worker-01 to worker-05\n")
    rows = cells(said.out)
    both_nodes = {"worker-01", "worker-05"}
    assert both_nodes <= rows.keys(), "what the move does to the two nodes"
    assert {label: rows[label] for label in rows.keys() - both_nodes - {"Size"}} == {
        "VM name": ("web-01", "from the request"),
        "Namespace": ("production", "found: the only one with this VM"),
        "Current node": ("worker-01", "read from the VMI"),
        "Target node": ("worker-05", "from the request"),
        "Migration type": ("Live: the VM keeps running", "all its disks are shared"),
        "Storage type": ("RWX (ReadWriteMany)", "web-01-rootdisk: live move possible"),
        "Current status": ("Running", "read from the VM"),
    }
    for part in ("What will happen:", "Impact:", "Estimated duration:", "Rollback:"):
        assert part in said.out


async def test_the_words_of_a_plan_need_no_quotes(cluster: ClusterSandbox, run: Run) -> None:
    assert await run("plan", "web-01", "worker-05") == await run("plan", "web-01 worker-05")


@pytest.mark.parametrize(
    ("text", "code"), [("web-01 from worker-03 to worker-05", "not-there"), ("web-01 worker-01", "already-there")]
)
async def test_a_plan_is_refused_as_in_the_chat(cluster: ClusterSandbox, run: Run, text: str, code: str) -> None:
    said = await run("plan", text)
    assert (said.code, said.out, f"({code})" in said.err) == (2, "", True)


async def test_a_plan_touches_nothing(cluster: ClusterSandbox, run: Run) -> None:
    before = cluster.store.version
    await run("plan", "web-01 worker-05")
    assert cluster.store.version == before


async def test_a_blocked_plan_says_why_and_is_exit_code_3(cluster: ClusterSandbox, run: Run) -> None:
    said = await run("plan", "web-01 worker-06")
    assert said.code == 3
    assert "Blocked: " in said.out
    assert "cordoned" in said.out
    assert "What will happen" not in said.out


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("web-1 worker-05", ["no VM named web-1", "web-01", "(unknown-vm)"]),
        ("web-01 worker-5", ["no node named worker-5", "worker-05", "(unknown-node)"]),
        ("cache-01 worker-05", ["vms/cache-01", "dev/cache-01", "(ambiguous-vm)"]),
        ("-n nowhere web-01 worker-05", ["nowhere", "(unknown-namespace)"]),
        ("web-01 worker-05 banana", ["web-01, worker-05 to banana", "(ambiguous)"]),
        ("Web_01 worker-05", ["▸Web_01◂", "(bad-name)"]),
        ("help", ["vm-migrate web-01 worker-05", "(no-vm)"]),
    ],
)
async def test_a_request_that_names_nothing_is_exit_code_2(
    cluster: ClusterSandbox, run: Run, text: str, words: list[str]
) -> None:
    said = await run("plan", "--", text)
    assert (said.code, said.out) == (2, "")
    for word in words:
        assert word in said.err


async def test_a_cluster_that_is_away_is_exit_code_4(cluster: ClusterSandbox, run: Run) -> None:
    url = cluster.url
    await cluster.stop()
    said = await run("plan", "web-01 worker-05")
    assert (said.code, said.out) == (4, "")
    assert "does not answer" in said.err
    assert url.removeprefix("http://") not in said.err


async def test_credentials_that_cannot_be_read_are_exit_code_4(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    said = await run("plan", "web-01 worker-05")
    assert (said.code, said.out) == (4, "")
    assert "(not-authenticated)" in said.err


async def test_check_says_ok_to_everything_that_the_bot_needs(
    cluster: ClusterSandbox, slack: SlackSandbox, run: Run
) -> None:
    said = await run("check")
    lines = said.out.splitlines()
    assert (said.code, said.err) == (0, "")
    assert [line for line in lines if not line.startswith("ok   ")] == []
    assert lines[0] == "ok   Slack: installed in workspace T0SANDBOX1"
    after_scopes = lines[1 + len(SCOPES) :]
    expected = [
        "ok   Socket Mode",
        "ok   policy",
        "ok   store",
        "ok   cluster",
        "ok   KubeVirt's health",
        "ok   KubeVirt",
        "ok   rollout strategy",
        "ok   feature gates",
    ]
    assert [line.split(":")[0] for line in after_scopes[: len(expected)]] == expected
    assert "ok   cluster: Kubernetes v1.34.9" in lines
    assert len(after_scopes) == len(expected) + len(NEEDED) + len(rights.OPTIONAL)


@pytest.mark.usefixtures("slack")
async def test_check_says_how_kubevirt_is_and_what_to_look_at(cluster: ClusterSandbox, run: Run) -> None:
    def change(**status: object) -> None:
        cluster.store.modify(KUBEVIRT_CR, "kubevirt", "kubevirt", lambda raw: raw["status"].update(status))

    change(conditions=[{"type": "Available", "status": "False", "message": "virt-handler is not ready"}])
    said = await run("check")
    assert said.code == 0
    assert "warn KubeVirt's health: Available is False: virt-handler is not ready. See why: kubectl " in said.out
    change(phase="Deploying")
    (failed,) = await failures(run)
    assert failed.startswith("FAIL KubeVirt's health: phase Deploying, not Deployed: wait for its operator")


@pytest.mark.usefixtures("slack")
async def test_check_speaks_the_words_of_openshift_there(cluster: ClusterSandbox, run: Run) -> None:
    """Its KubeVirt lives in a namespace of its own."""
    resource = cluster.store.require(KUBEVIRT_CR, "kubevirt", "kubevirt")
    cluster.store.remove(KUBEVIRT_CR, "kubevirt", "kubevirt")
    moved = {"metadata": {"name": "kubevirt", "namespace": "openshift-cnv"}, "spec": resource["spec"]}
    cluster.store.create(KUBEVIRT_CR, {**moved, "status": resource["status"] | {"phase": "Deploying"}})
    said = await run("check")
    assert "ok   cluster: OpenShift, on Kubernetes v1.34.9" in said.out
    assert "see what holds it: oc describe kubevirts -A" in said.out
    plan = await run("plan", "web-01 worker-06")
    assert "oc uncordon worker-06" in plan.out
    assert "kubectl" not in said.out + plan.out


WRITE_VERSION = 18
"""Byte of a SQLite file: above 2 it may only be read (sqlite.org/fileformat.html), also by root, whom a mode does not
stop."""


async def test_check_names_a_store_that_can_only_be_read(
    cluster: ClusterSandbox, slack: SlackSandbox, run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    engine, lock = await open_engine(f"sqlite+aiosqlite:///{tmp_path / 'bot.db'}")
    await engine.dispose()
    assert lock is not None
    lock.release()
    with (tmp_path / "bot.db").open("r+b") as file:
        file.seek(WRITE_VERSION)
        file.write(b"\x03")
    monkeypatch.setenv("VM_MIGRATE_DATABASE_URL", f"sqlite+aiosqlite:///{tmp_path / 'bot.db'}")
    (failed,) = await failures(run)
    assert failed.startswith("FAIL store: ")
    assert "readonly" in failed


async def failures(run: Run) -> list[str]:
    """What `check` finds wrong."""
    said = await run("check")
    failed = [line for line in said.out.splitlines() if line.startswith("FAIL")]
    assert said.code == (1 if failed else 0)
    assert "xapp-" not in said.out + said.err
    return failed


@pytest.mark.usefixtures("cluster")
async def test_check_says_whether_incidents_can_be_told_in_the_audit_channel(
    slack: SlackSandbox, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VM_MIGRATE_AUDIT_CHANNEL", "C0SRE000001")
    assert "ok   audit channel: the bot is in C0SRE000001" in (await run("check")).out
    slack.workspace.rooms["C0SRE000001"].is_archived = True
    assert "FAIL audit channel: C0SRE000001 is archived: incidents are not told there" in (await run("check")).out
    monkeypatch.setenv("VM_MIGRATE_AUDIT_CHANNEL", "C0RANDOM001")
    assert "FAIL audit channel: the bot is not in C0RANDOM001" in (await run("check")).out


@pytest.mark.usefixtures("cluster", "slack")
async def test_check_names_the_app_token_that_slack_refuses(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACK_APP_TOKEN", "xapp-of-another-app")
    (failed,) = await failures(run)
    assert failed.startswith(
        "FAIL Socket Mode: Slack does not accept SLACK_APP_TOKEN (invalid_auth): make an app-level"
    )


@pytest.mark.usefixtures("cluster", "slack")
async def test_check_asks_for_the_signing_secret_in_http_mode_and_not_for_the_app_token(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SLACK_APP_TOKEN")
    monkeypatch.setenv("VM_MIGRATE_SLACK_LISTEN", "127.0.0.1:3000")
    (failed,) = await failures(run)
    assert failed.startswith("FAIL way in: SLACK_SIGNING_SECRET is not set: it is under Basic Information")
    monkeypatch.setenv("SLACK_SIGNING_SECRET", "hush")
    assert await failures(run) == []


@pytest.mark.usefixtures("cluster", "slack")
async def test_check_names_a_policy_that_cannot_be_read(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "policy.yaml").write_text("rules: [{name: one, deny: true, allow_all: yes}]\n")
    monkeypatch.setenv("VM_MIGRATE_POLICY_FILE", str(tmp_path / "policy.yaml"))
    (failed,) = await failures(run)
    assert failed.startswith("FAIL policy: ")
    assert "docs/policy.md" in failed


@pytest.mark.usefixtures("cluster", "slack")
async def test_check_names_a_store_that_cannot_be_opened(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("VM_MIGRATE_DATABASE_URL", f"sqlite+aiosqlite:///{tmp_path / 'file' / 'bot.db'}")
    (failed,) = await failures(run)
    assert failed.startswith("FAIL store: VM_MIGRATE_DATABASE_URL")


@pytest.mark.usefixtures("cluster", "slack")
async def test_check_leaves_a_store_alone_that_a_running_bot_has_open(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path / 'bot.db'}"
    monkeypatch.setenv("VM_MIGRATE_DATABASE_URL", url)
    engine, lock = await open_engine(url)
    said = await run("check")
    await engine.dispose()
    assert lock is not None
    lock.release()
    assert said.code == 0
    assert "ok   store: another bot is running on" in said.out


@pytest.mark.usefixtures("slack")
async def test_check_names_a_kubevirt_that_is_too_old_and_a_strategy_that_keeps_pins(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = ClusterSandbox(version="v1.5.2")
    await cluster.start()
    cluster.write_kubeconfig(tmp_path / "old")
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "old"))
    said = await run("check")
    await cluster.stop()
    assert said.code == 1
    assert "FAIL KubeVirt: v1.5.2 cannot move a VM live to a named node" in said.out
    assert "warn rollout strategy: Stage" in said.out


@pytest.mark.usefixtures("slack")
async def test_check_asks_for_rights_in_the_chosen_namespaces_only(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As manifests/overlays/namespaced grants them: production has its binding, dev has none."""
    cluster = ClusterSandbox(rbac=True)
    await cluster.start()
    whole, each = yaml.safe_load_all(ROLES.read_text())
    cluster.grant(READER, [whole])
    cluster.store.create(CLUSTER_ROLE, each)
    subject = {"kind": "ServiceAccount", "namespace": "production", "name": "reader"}
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": each["metadata"]["name"]}
    metadata = {"name": "bot", "namespace": "production"}
    cluster.store.create(ROLE_BINDING, {"metadata": metadata, "roleRef": reference, "subjects": [subject]})
    cluster.write_kubeconfig(tmp_path / "reader", READER)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "reader"))
    monkeypatch.setenv("VM_MIGRATE_NAMESPACES", "production")
    assert await failures(run) == []
    monkeypatch.setenv("VM_MIGRATE_NAMESPACES", "production,dev")
    failed = await failures(run)
    await cluster.stop()
    assert failed
    assert all(" in dev: missing in the cluster: apply manifests/ again" in line for line in failed)


async def take_scope(slack: SlackSandbox, scope: str) -> None:
    async with aiohttp.ClientSession() as http:
        await http.post(f"{slack.url}/sandbox/faults", json={"revoke_scopes": [scope]})


async def test_check_names_the_scope_that_is_missing_and_what_it_is_for(
    cluster: ClusterSandbox, slack: SlackSandbox, run: Run
) -> None:
    await take_scope(slack, "groups:read")
    said = await run("check")
    failed = [line for line in said.out.splitlines() if line.startswith("FAIL")]
    assert said.code == 1
    assert len(failed) == 1
    assert failed[0].startswith("FAIL scope groups:read: missing, for who is a member of a private channel")


@pytest.mark.usefixtures("cluster", "slack")
async def test_check_says_who_could_approve_by_each_rule(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    rule = "  - {{name: {0}, request: [channel], confirm: {{who: ['@sre'], count: {1}}}}}\n"
    file = tmp_path / "policy.yaml"
    file.write_text("rules:\n" + rule.format("two", 2) + rule.format("three", 3))  # a test's own
    monkeypatch.setenv("VM_MIGRATE_POLICY_FILE", str(file))
    said = await run("check")
    assert said.code == 1
    assert "ok   rule “two”: for every move: 2 of @sre may approve: 2 found (U0MEI000001, U0RAVI00001)" in said.out
    assert "FAIL rule “three”: for every move: 3 of @sre may approve, but this rule has no approver" in said.out


async def test_check_names_the_right_that_is_missing(
    tmp_path: Path, slack: SlackSandbox, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = ClusterSandbox(rbac=True)
    await cluster.start()
    grant_all_but(cluster, "delete", "virtualmachineinstancemigrations")
    cluster.write_kubeconfig(tmp_path / "reader", READER)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "reader"))
    said = await run("check")
    await cluster.stop()
    failed = [line for line in said.out.splitlines() if line.startswith("FAIL")]
    assert said.code == 1
    (line,) = failed
    assert line.startswith(
        "FAIL right to delete virtualmachineinstancemigrations.kubevirt.io: missing in the cluster: "
    )
    assert line.endswith("apply manifests/ again (kubectl apply -k), or add it to the ClusterRole")


async def test_check_names_the_token_that_slack_refuses_and_still_looks_at_the_cluster(
    cluster: ClusterSandbox, slack: SlackSandbox, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-of-another-app")
    said = await run("check")
    assert said.code == 1
    assert "FAIL Slack: Slack does not accept SLACK_BOT_TOKEN (invalid_auth)" in said.out
    assert "ok   KubeVirt" in said.out
    assert "xoxb-of-another-app" not in said.out + said.err


async def test_check_tells_that_the_cluster_is_away(cluster: ClusterSandbox, slack: SlackSandbox, run: Run) -> None:
    await cluster.stop()
    said = await run("check")
    assert said.code == 1
    assert "ok   Slack" in said.out
    assert "FAIL cluster: The cluster's API server does not answer" in said.out


@pytest.mark.parametrize("command", [("run",), ("check",), ("plan", "web-01")])
async def test_a_bad_setting_is_named_and_no_secret_is_shown(
    run: Run, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-secret")
    monkeypatch.setenv("VM_MIGRATE_PLAN_VALID_MINUTES", "-1")
    monkeypatch.setenv("VM_MIGRATE_LIVE_LIMIT_MINUTES", "soon")
    said = await run(*command)
    assert (said.code, said.out) == (2, "")
    assert "setting VM_MIGRATE_PLAN_VALID_MINUTES: Input should be greater than 0" in said.err
    assert "setting VM_MIGRATE_LIVE_LIMIT_MINUTES: Input should be a valid number" in said.err
    assert "secret" not in said.err
    assert "soon" not in said.err


@pytest.mark.parametrize(
    ("story", "words"),
    [
        ("story: x\nsteps: [{shout: {as: dana}}]", ["steps.0.shout: Extra inputs are not permitted"]),
        ("story: x\nsteps: [{say: {as: dana, in: '#ops', text: hi, loud: true}}]", ["steps.0.say.loud"]),
        ("story: x\nsteps: [{bot: kill, wait: 1}]", ["steps.0: ", "a step is one of"]),
        ("steps: []", ["story: Field required"]),
        ("story: [", ["line 1"]),
        (None, ["No such file"]),
    ],
)
async def test_a_story_that_cannot_be_read_is_told_with_its_place(
    run: Run, tmp_path: Path, story: str | None, words: list[str]
) -> None:
    path = tmp_path / "story.yaml"
    if story is not None:
        path.write_text(story)
    said = await run("sandbox", "play", str(path))
    assert (said.code, said.out) == (2, "")
    for word in (str(path), *words):
        assert word in said.err
    assert "setting" not in said.err


@pytest.mark.parametrize("arguments", [(), ("move",), ("plan",), ("sandbox", "cluster")])
async def test_wrong_usage_is_exit_code_2_with_the_usage(run: Run, arguments: tuple[str, ...]) -> None:
    said = await run(*arguments)
    assert said.code == 2
    assert said.err.startswith("usage: vm-migrate-bot")


def test_the_installed_command_and_the_module_are_the_same() -> None:
    script = Path(sys.executable).with_name("vm-migrate-bot")
    for command in ([str(script)], [sys.executable, "-m", "bot"]):
        told = subprocess.run([*command, "plan", "help"], capture_output=True, text=True, check=False)
        assert (told.returncode, "(no-vm)" in told.stderr) == (2, True)


def grant_all_but(cluster: ClusterSandbox, verb: str, resource: str) -> None:
    """Give the reader every right that the bot needs except one."""
    rules = [
        {
            "apiGroups": [right.group],
            "resources": [f"{right.resource}/{right.subresource}".rstrip("/")],
            "verbs": [right.verb],
        }
        for right in NEEDED
        if (right.verb, right.resource) != (verb, resource)
    ]
    cluster.store.create(CLUSTER_ROLE, {"metadata": {"name": "reader"}, "rules": rules})
    binding = {
        "metadata": {"name": "reader"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "reader"},
        "subjects": [{"kind": "ServiceAccount", "namespace": "production", "name": "reader"}],
    }
    cluster.store.create(CLUSTER_ROLE_BINDING, binding)
