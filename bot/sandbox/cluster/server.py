"""The HTTP face of the cluster: authentication, authorization, routing, faults, the request log.

Every answer is that of a Kubernetes 1.34 API server with KubeVirt 1.9 behind it; deviations are listed where they are
made. Bound to loopback, plain HTTP.
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any, ClassVar

from aiohttp import web

from bot.sandbox.cluster import errors
from bot.sandbox.cluster.clock import Drive, format_time
from bot.sandbox.cluster.controller import Context
from bot.sandbox.cluster.discovery import KUBERNETES_VERSION, discover, kubevirt_version
from bot.sandbox.cluster.evacuation import evict
from bot.sandbox.cluster.lifecycle_calls import CALLS, Call
from bot.sandbox.cluster.lists import Form, list_objects
from bot.sandbox.cluster.objects import Obj, dig
from bot.sandbox.cluster.openapi import openapi_document, openapi_index
from bot.sandbox.cluster.paths import Route, parse_route
from bot.sandbox.cluster.protobuf import CONTENT_TYPE, decode
from bot.sandbox.cluster.rbac import Attributes, Authorizer, User, review_access, review_rules, review_self
from bot.sandbox.cluster.request_log import LoggedRequest, RequestLog
from bot.sandbox.cluster.resources import (
    ACCESS_REVIEW,
    KUBEVIRT_CR,
    POD,
    RULES_REVIEW,
    SELF_REVIEW,
    SUBRESOURCES_GROUP,
    VM,
    VMI,
    Resource,
)
from bot.sandbox.cluster.watch import Watch
from bot.sandbox.cluster.writes import Writer, Written

log = logging.getLogger(__name__)

_TOKEN_LIFETIME = 3600.0
_VERBS = {"GET": "get", "POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
_NOT_ACCEPTABLE = "406: Not Acceptable\n\nAvailable representations: "
_STATIC: dict[str, Obj] = {"/version": KUBERNETES_VERSION}
_HEALTH = frozenset({"/readyz", "/livez", "/healthz"})


class ApiServer:
    def __init__(self, context: Context, drive: Drive, authorizer: Authorizer) -> None:
        self._context = context
        self._store = context.store
        self._drive = drive
        self._authorizer = authorizer
        self._writer = Writer(context)
        self.requests = RequestLog()
        self.watches: set[Watch] = set()

    def end_watches(self) -> None:
        for watch in self.watches:
            watch.cut()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One request, from the log entry to the answer."""
        self.requests.in_flight += 1
        try:
            await self._drive.catch_up()
            self._log(request)
            refused = await self._injected_fault(request)
            return refused or await self._answer(request)
        except errors.ApiError as error:
            return _json(error.body(), error.code)
        finally:
            self.requests.in_flight -= 1

    def _log(self, request: web.Request) -> None:
        route = parse_route(request.path)
        verb = _verb(request, route) if route else request.method.lower()
        entry = LoggedRequest(
            self._context.clock.now,
            verb,
            request.path,
            dict(request.query),
            request.headers.get("User-Agent", ""),
            self.requests.in_flight,
        )
        self.requests.add(entry)

    async def _injected_fault(self, request: web.Request) -> web.Response | None:
        faults = self._context.faults
        if faults.latency:
            await asyncio.sleep(faults.latency)
        if self._context.clock.now < faults.down_until:
            return _reset(request)
        if not faults.answers:
            return None
        answer = faults.answers.popleft()
        if answer == "reset":
            return _reset(request)
        code = int(answer)
        headers = {"Retry-After": "1"} if code == 429 else {}
        return _json(_injected_status(code).body(), code, headers)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        path = request.path
        if path in _HEALTH:
            return web.Response(text="ok")
        user = self._authorizer.authenticate(request.headers.get("Authorization", ""))
        document = self._document(path) if request.method == "GET" else None
        if document is not None:
            return _json(document)
        if path.startswith(f"/apis/{SUBRESOURCES_GROUP}/"):
            return await self._lifecycle_call(request, user)
        route = parse_route(path)
        if route is None:
            return web.Response(text="404 page not found\n", status=404)
        return await self._resource_call(request, user, route)

    def _document(self, path: str) -> Obj | None:
        if path == "/openapi/v3":
            return openapi_index()
        if path.startswith("/openapi/v3/"):
            return openapi_document(path, self._context.settings.version)
        if path in {f"/apis/{SUBRESOURCES_GROUP}/{v}/version" for v in ("v1", "v1alpha3")}:
            installed = next(iter(self._store.select(KUBEVIRT_CR)), None)
            return kubevirt_version(dig(installed, "status", "observedKubeVirtVersion", default="v1.9.0"))
        return _STATIC.get(path) or discover(path)

    # kinds

    async def _resource_call(self, request: web.Request, user: User, route: Route) -> web.StreamResponse:
        verb = _verb(request, route)
        resource = route.resource
        asked = Attributes(verb, resource.group, resource.plural, route.subresource, route.namespace, route.name)
        if resource not in {ACCESS_REVIEW, RULES_REVIEW, SELF_REVIEW}:
            self._authorizer.check(user, resource, asked)
        if route.subresource in {"eviction", "token", "log"}:
            return await self._pod_call(request, route)
        handler = self._handlers.get(verb)
        if handler is None or verb not in resource.verbs:
            raise errors.method_not_allowed()
        return await handler(self, request, user, route)

    async def _get(self, request: web.Request, _user: User, route: Route) -> web.StreamResponse:
        obj = self._store.require(route.resource, route.namespace, route.name)
        form = Form(request.headers.get("Accept", ""), request.query)
        return _json(form.one(route, obj, self._context.clock.now))

    async def _list(self, request: web.Request, _user: User, route: Route) -> web.StreamResponse:
        objects, metadata = list_objects(self._store, route, request.query)
        form = Form(request.headers.get("Accept", ""), request.query)
        return _json(form.many(route, objects, metadata, self._context.clock.now))

    async def _watch(self, request: web.Request, _user: User, route: Route) -> web.StreamResponse:
        if route.name:
            selector = f"metadata.name={route.name}"
            query = dict(request.query) | {"fieldSelector": selector}
        else:
            query = dict(request.query)
        watch = Watch(self._store, route, query, Form(request.headers.get("Accept", ""), query))
        first = watch.begin()
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        self.watches.add(watch)
        try:
            await response.prepare(request)
            await watch.stream(response, first)
        except ConnectionResetError:
            return _reset(request)
        finally:
            self.watches.discard(watch)
        return response

    async def _create(self, request: web.Request, user: User, route: Route) -> web.StreamResponse:
        body = await _object(request)
        if route.resource is ACCESS_REVIEW:
            return _json(review_access(self._authorizer, user, body), 201)
        if route.resource is SELF_REVIEW:
            return _json(review_self(user, body), 201)
        if route.resource is RULES_REVIEW:
            return _json(review_rules(self._authorizer, user, body), 201)
        return self._written(request, route, self._writer.create(route, body, request.query))

    async def _replace(self, request: web.Request, _user: User, route: Route) -> web.StreamResponse:
        body = await _object(request)
        return self._written(request, route, self._writer.replace(route, body, request.query))

    async def _patch(self, request: web.Request, _user: User, route: Route) -> web.StreamResponse:
        body = await request.read()
        content_type = request.headers.get("Content-Type", "")
        return self._written(request, route, self._writer.patch(route, content_type, body, request.query))

    async def _delete(self, request: web.Request, _user: User, route: Route) -> web.StreamResponse:
        options = await _options(request)
        return _json(self._writer.delete(route, options, request.query))

    async def _delete_collection(self, request: web.Request, _user: User, route: Route) -> web.StreamResponse:
        objects, metadata = list_objects(self._store, route, request.query)
        for obj in objects:
            single = Route(route.resource, route.version, obj["metadata"].get("namespace", ""), obj["metadata"]["name"])
            self._writer.delete(single, {}, request.query)
        form = Form(request.headers.get("Accept", ""), request.query)
        return _json(form.many(route, objects, metadata, self._context.clock.now))

    _handlers: ClassVar[dict[str, "Handler"]] = {
        "get": _get,
        "list": _list,
        "watch": _watch,
        "create": _create,
        "update": _replace,
        "patch": _patch,
        "delete": _delete,
        "deletecollection": _delete_collection,
    }

    def _written(self, request: web.Request, route: Route, written: Written) -> web.Response:
        form = Form(request.headers.get("Accept", ""), request.query)
        body = form.one(route, written.obj, self._context.clock.now)
        response = _json(body, written.code)
        for text in written.warnings:
            response.headers.add("Warning", f"299 - {json.dumps(text)}")
        return response

    async def _pod_call(self, request: web.Request, route: Route) -> web.StreamResponse:
        if route.subresource == "log":
            return web.Response(text="")
        if route.subresource == "token":
            return _json(self._token(route), 201)
        pod = self._store.require(POD, route.namespace, route.name)
        body = await _object(request)
        if "All" not in (body.get("deleteOptions") or {}).get("dryRun", []):
            evict(self._context, pod)
        return _json({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}, 201)

    def _token(self, route: Route) -> Obj:
        """TokenRequest of a service account, for ``kubectl create token``."""
        self._store.require(route.resource, route.namespace, route.name)
        token = self._authorizer.issue_token(f"system:serviceaccount:{route.namespace}:{route.name}")
        expires = format_time(self._context.clock.now + _TOKEN_LIFETIME)
        status = {"token": token, "expirationTimestamp": expires}
        metadata = {"name": route.name, "namespace": route.namespace}
        return {
            "kind": "TokenRequest",
            "apiVersion": "authentication.k8s.io/v1",
            "metadata": metadata,
            "status": status,
        }

    # subresources.kubevirt.io

    async def _lifecycle_call(self, request: web.Request, user: User) -> web.StreamResponse:
        """virt-api's own rules: 406 for a plain ``application/json``, plain-text 404 (recorded: errors.json 35, 50)."""
        parts = request.path.split("/")[3:]
        if self._context.faults.webhooks_down:
            return web.Response(text="service unavailable\n", status=503)
        if len(parts) < 6 or parts[1] != "namespaces":
            return _page_not_found()
        namespace, plural, name, verb = parts[2], parts[3], parts[4], "/".join(parts[5:])
        resource: Resource | None = {r.plural: r for r in (VM, VMI)}.get(plural)
        call = CALLS.get((resource, verb)) if resource and request.method == "PUT" else None
        if resource is None or call is None:
            return _page_not_found()
        asked = Attributes("update", SUBRESOURCES_GROUP, plural, verb, namespace, name)
        self._authorizer.check(user, resource, asked)
        if "*/*" not in request.headers.get("Accept", "*/*"):
            return web.Response(text=_NOT_ACCEPTABLE, status=406)
        body = await request.read()
        status = call(Call(self._context, (namespace, name), body))
        return web.Response(status=status)


Handler = Callable[[ApiServer, web.Request, User, Route], Awaitable[web.StreamResponse]]


def _verb(request: web.Request, route: Route) -> str:
    verb = _VERBS.get(request.method, "")
    if verb == "get" and request.query.get("watch") in {"true", "1"}:
        return "watch"
    if not route.name and verb in {"get", "delete"}:
        return {"get": "list", "delete": "deletecollection"}[verb]
    return verb


def _json(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    text = json.dumps(body, separators=(",", ":"))
    return web.Response(text=text, status=status, content_type="application/json", headers=headers)


def _page_not_found() -> web.Response:
    return web.Response(text="404: Page Not Found", status=404)


def _reset(request: web.Request) -> web.Response:
    """Break the connection; the answer that aiohttp asks for goes nowhere."""
    if request.transport:
        request.transport.abort()
    return web.Response(status=500)


def _injected_status(code: int) -> errors.ApiError:
    known = {
        429: ("TooManyRequests", "the server has received too many requests and has asked us to try again later"),
        503: ("ServiceUnavailable", "the server is currently unable to handle the request"),
        504: ("Timeout", "the server was unable to return a response in the time allotted"),
    }
    reason, message = known.get(code, ("InternalError", "Internal error occurred: injected by the sandbox"))
    return errors.ApiError(code, message, reason, {"retryAfterSeconds": 1} if code == 429 else {})


async def _object(request: web.Request) -> Obj:
    body = await request.read()
    if request.headers.get("Content-Type", "").startswith(CONTENT_TYPE):
        return decode(body)
    try:
        parsed: Any = json.loads(body)
    except ValueError as error:
        raise errors.bad_request(f"couldn't get version/kind; json parse error: {error}") from error
    if not isinstance(parsed, dict):
        raise errors.bad_request("couldn't get version/kind; json parse error: not an object")
    return parsed


async def _options(request: web.Request) -> Obj:
    """DeleteOptions; most clients send none."""
    return await _object(request) if (await request.read()).strip() else {}
