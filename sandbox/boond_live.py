"""BoondManager as it serves today: the dialect `live` of the world (boond.md, "Dialect live").

Mounted under one root: the API at `/api`. What is written stands in `sandbox.boond_live_writes`.
"""

import re
from datetime import timedelta
from http import HTTPStatus

import httpx

from sandbox import boond_live_lists, boond_live_tabs
from sandbox.boond_live_wire import (
    FirewallRefusal,
    Json,
    LiveCredentials,
    Route,
    Tenant,
    absent,
    caller_of,
    no_such_verb,
    refusal_of,
    refused,
    said,
)
from sandbox.boond_live_writes import WRITES
from sandbox.wire import Limiter, Limits, Refusal, answer
from sandbox.world import Clock, World

API = "/api"
LIVE_LIMITS = Limits(per_minute=600, per_second=10)
"""What the live API bears here; its vendor publishes no limit."""
WITHOUT_GET = re.compile("/deliveries")
BLOCKED = re.compile("/contracts")


ROUTES: tuple[Route, ...] = (*boond_live_lists.ROUTES, *boond_live_tabs.ROUTES, *WRITES)


class BoondLive(Tenant):
    """BoondManager's live API over a world.

    Args:
        world: what it tells and changes.
        limits: how often one caller may call; none for no limit.
        credentials: whom it lets in.

    Attributes:
        firewall: whether a burst over the limit gets the web firewall's page (403, HTML) instead
            of 429; neither tells how long to wait.
        callers_clock: what the time in a caller's token is compared with.
    """

    def __init__(
        self,
        world: World,
        limits: Limits | None = None,
        credentials: LiveCredentials | None = None,
    ) -> None:
        super().__init__(world=world)
        self.credentials = credentials or LiveCredentials()
        self.firewall = False
        self.callers_clock: Clock = world.now
        self.limiter = Limiter(limits, lambda: world.clock() + timedelta(days=world.advanced_days))

    def __call__(self, request: httpx.Request, path: str) -> httpx.Response:
        """Answers a request for a path below the mount."""
        try:
            return self._dispatch(request, path)
        except Refusal as error:
            return refusal_of(self, error)

    def forget_tokens(self) -> None:
        """Nothing to forget: every call bears its own proof."""

    def _dispatch(self, request: httpx.Request, path: str) -> httpx.Response:
        if not path.startswith(f"{API}/"):
            raise absent(request)
        below = path.removeprefix(API)
        if BLOCKED.fullmatch(below):
            raise FirewallRefusal
        self._admit(caller_of(request, self.credentials, self.callers_clock()))
        body = self._serve(request, below)
        if self.manners.no_meta and isinstance(body["data"], list):
            return answer({k: v for k, v in body.items() if k != "meta"}, self.world.now())
        return said(self, body)

    def _admit(self, caller: str) -> None:
        try:
            self.limiter.admit(caller)
        except Refusal as error:
            if self.firewall:
                raise FirewallRefusal from error
            raise refused(HTTPStatus.TOO_MANY_REQUESTS, "429", "429 - Too many requests") from error

    def _serve(self, request: httpx.Request, path: str) -> Json:
        known = bool(WITHOUT_GET.fullmatch(path))
        for route in ROUTES:
            match = route.path.fullmatch(path)
            if match and route.method == request.method:
                return route.handler(self, match, request)
            known = known or bool(match)
        raise no_such_verb(request) if known else absent(request)
