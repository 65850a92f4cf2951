"""The control endpoint: what the sandbox is doing, and faults on demand.

Owns: its paths and its answers. It listens on loopback alone, and knows no secrets. Not here: what a fault does.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import msgspec

from detente.case.declared import read_entry
from detente.errors import Flaw
from detente.live.fault import Fault
from detente.providers.unreadable import UNREADABLE
from detente.sandbox import play
from detente.sandbox.faults import Faults
from detente.sandbox.incoming_request import bounded_body
from detente.sandbox.play import Stage
from detente.sandbox.region_server import AT_ONCE, RegionServer, World
from detente.sandbox.reply import Whole, json_bytes
from detente.values.likeness import did_you_mean

MAX_BODY = 65_536


class Control:
    """The control endpoint: an ASGI application.

    Parameters
    ----------
    world, servers
        What is played.
    addresses
        Every server's address, as people read them.
    changed
        Awaited after faults were added or taken back, before that is answered, with the instant of it in seconds
        from the sandbox's start: what is down then is down, however short.
    """

    def __init__(
        self,
        world: World,
        servers: Sequence[RegionServer],
        addresses: Mapping[str, str],
        changed: Callable[[float], Awaitable[None]],
    ) -> None:
        self._world, self._servers, self._addresses, self._changed = world, servers, addresses, changed

    @property
    def _faults(self) -> Faults:
        return self._world.faults

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request."""
        stage = Stage(scope["state"]["link"], receive, send, self._world.clock)
        body = await bounded_body(receive, MAX_BODY)
        if body is None:
            reply = _error(413, "the request is too large", "a fault takes a few lines")
        elif not stage.link.gone():
            at = self._world.clock()
            reply = self.answer(scope["method"], scope["path"], body, at)
            if scope["method"] != "GET":
                await self._changed(at)
        if not stage.link.gone():
            await play.whole(reply, AT_ONCE, None, stage)

    def answer(self, method: str, path: str, body: bytes, at: float) -> Whole:
        """The answer to a request at an instant."""
        if method == "GET" and path == "/":
            return _told(self._state(at))
        if method == "GET" and path == "/calls":
            return _told({"deployments": self._calls(at)})
        if method == "GET" and path == "/faults":
            return _told({"faults": self._faults.shown(at)})
        if method == "POST" and path == "/faults":
            return self._add(body, at)
        if method == "DELETE" and path == "/faults":
            return _told({"removed": self._faults.clear()})
        if method == "DELETE" and path.startswith("/faults/"):
            return self._drop(path.removeprefix("/faults/"))
        return _error(
            404, f"there is no {method} {path[:80]}", "see GET /, GET /calls, POST /faults, DELETE /faults/<id>"
        )

    def _state(self, at: float) -> dict[str, Any]:
        down = [f"{p.provider}/{p.region}" for p in self._servers if self._faults.down(p.provider, p.region, at)]
        return {
            "seconds": round(at, 3),
            "addresses": dict(self._addresses),
            "down": down,
            "deployments": [seat.shown(at) for server in self._servers for seat in server.seats],
            "faults": self._faults.shown(at),
        }

    def _calls(self, at: float) -> list[dict[str, Any]]:
        seats = [seat for server in self._servers for seat in server.seats]
        return [{**seat.shown(at), "recent": [record.shown() for record in seat.recent]} for seat in seats]

    def _add(self, body: bytes, at: float) -> Whole:
        try:
            given = msgspec.json.decode(body)
        except UNREADABLE as error:
            return _error(400, f"the body is not JSON: {error}", 'write for example {"on": "azure", "kind": "down"}')
        if isinstance(given, dict):
            given = {"id": self._faults.free_id(), **given}
        mistakes: list[dict[str, str]] = []

        def report(flaw: Flaw) -> None:
            mistakes.append({"at": ".".join(map(str, flaw.path)), "message": flaw.what, "remedy": flaw.remedy})

        fault = read_entry("faults", given, (), report)
        if isinstance(fault, Fault):
            self._check(fault, report)
        if mistakes or not isinstance(fault, Fault):
            return _told({"mistakes": mistakes}, 400)
        if not self._faults.add(fault, at):
            return _error(
                409, f"there is a fault `{fault.id}` already, or too many", "take it back: DELETE /faults/<id>"
            )
        return _told(next(shown for shown in self._faults.shown(at) if shown["id"] == fault.id), 201)

    def _check(self, fault: Fault, report: Any) -> None:
        """It strikes something that there is."""
        known = {seat.deployment.id for server in self._servers for seat in server.seats}
        known |= {name for server in self._servers for name in (server.provider, f"{server.provider}/{server.region}")}
        if fault.on not in known:
            report(Flaw(f"nothing here is called `{fault.on}`", did_you_mean(fault.on, known), ("on",)))

    def _drop(self, fault_id: str) -> Whole:
        if not self._faults.drop(fault_id):
            return _error(404, f"there is no fault `{fault_id[:80]}`", "see GET /faults")
        return _told({"removed": 1})


def _told(found: Mapping[str, Any], status: int = 200) -> Whole:
    return Whole(status, msgspec.json.format(json_bytes(found), indent=2) + b"\n")


def _error(status: int, what: str, remedy: str) -> Whole:
    return _told({"mistakes": [{"at": "", "message": what, "remedy": remedy}]}, status)
