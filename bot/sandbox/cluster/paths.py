"""From a request's path to the kind, the object and the subresource that it names."""

from dataclasses import dataclass

from bot.sandbox.cluster.resources import NAMESPACE, RESOURCES, Resource

_BY_PATH = {(r.group, version, r.plural): r for r in RESOURCES for version in r.versions}


@dataclass(frozen=True)
class Route:
    resource: Resource
    version: str
    namespace: str = ""
    name: str = ""
    subresource: str = ""

    @property
    def api_version(self) -> str:
        """The version that the client speaks; older ones hold the same fields here."""
        return f"{self.resource.group}/{self.version}" if self.resource.group else self.version


def parse_route(path: str) -> Route | None:
    """``None`` when the path names nothing that is served; that is a plain-text 404 (recorded: errors.json 91)."""
    parts = path.strip("/").split("/")
    if len(parts) >= 3 and parts[0] == "api":
        return _route("", parts[1], parts[2:])
    if len(parts) >= 4 and parts[0] == "apis":
        return _route(parts[1], parts[2], parts[3:])
    return None


def _route(group: str, version: str, rest: list[str]) -> Route | None:
    if rest[0] == "namespaces" and len(rest) >= 3 and rest[2] not in {"status", "finalize"}:
        resource = _BY_PATH.get((group, version, rest[2]))
        return _named(resource, version, rest[1], rest[3:]) if resource and resource.namespaced else None
    if rest[0] == "namespaces" and group == "":
        return _named(NAMESPACE, version, "", rest[1:])
    resource = _BY_PATH.get((group, version, rest[0]))
    if resource is None or (resource.namespaced and len(rest) > 1):
        return None
    return _named(resource, version, "", rest[1:])


def _named(resource: Resource, version: str, namespace: str, rest: list[str]) -> Route | None:
    name, subresource = (*rest, "", "")[:2]
    if len(rest) > 2 or (subresource and subresource not in resource.subresources):
        return None
    return Route(resource, version, namespace, name, subresource)
