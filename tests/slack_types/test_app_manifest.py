"""Slack's app manifests must satisfy Slack's own description of them: keys, scopes and events by name.

It is the type that Slack's Node SDK (`@slack/web-api`) has for `apps.manifest.validate`. It knows no lengths: those are
in tests/manifests.
"""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.slack_types.test_official_types import HERE, OPTIONS, TSC, pytestmark

__all__ = ["pytestmark"]

MANIFESTS = sorted((Path(__file__).parents[2] / "manifests").glob("slack-app*.yaml"))
TYPES = HERE / "node_modules" / "@slack" / "web-api" / "dist" / "types" / "request" / "manifest"


def complaints(tmp_path: Path, manifest: Any) -> str:
    """What the TypeScript compiler says about it; empty when nothing."""
    options = OPTIONS | {"paths": {"slack-manifest": [str(TYPES)]}, "typeRoots": []}
    (tmp_path / "tsconfig.json").write_text(json.dumps({"compilerOptions": options, "files": ["app.ts"]}))
    typed = f'import type {{ Manifest }} from "slack-manifest";\nconst app: Manifest = {json.dumps(manifest)};\n'
    (tmp_path / "app.ts").write_text(typed)
    command = ["node", str(TSC), "--project", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    return done.stdout + done.stderr


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.stem)
def test_the_apps_manifest_has_the_shape_that_slack_describes(tmp_path: Path, path: Path) -> None:
    assert complaints(tmp_path, yaml.safe_load(path.read_text())) == ""


@pytest.mark.parametrize(
    ("where", "key", "wrong"),
    [
        (("oauth_config", "scopes"), "bot", ["chat:write", "chat:rite"]),
        (("settings", "event_subscriptions"), "bot_events", ["app_mentioned"]),
        (("settings", "interactivity"), "enabled", True),
        (("features", "bot_user"), "display_name", 7),
    ],
    ids=str,
)
def test_a_wrong_manifest_is_noticed(tmp_path: Path, where: tuple[str, ...], key: str, wrong: object) -> None:
    manifest = yaml.safe_load(MANIFESTS[0].read_text())
    inner = manifest
    for step in where:
        inner = inner[step]
    inner[key] = wrong
    assert "error TS" in complaints(tmp_path, manifest)
