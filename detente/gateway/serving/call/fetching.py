"""Files that a caller sends by their address, fetched for a deployment whose provider does not fetch them.

Owns: the bounds of a case (hosts, number, bytes, time), redirects, and that a file is what it is sent as. Not here:
connecting (``upstream/visits``), and where files stand in a call (``surfaces/file_addresses``).
"""

from __future__ import annotations

import asyncio
from binascii import b2a_base64
from collections.abc import Mapping, Sequence
from functools import partial
from urllib.parse import quote, urljoin, urlsplit

import msgspec

from detente.gateway.serving.call.call_parts import all_of
from detente.gateway.serving.call.job import Job
from detente.gateway.surfaces.file_addresses import Attached, InlineFile, attached, inlined
from detente.gateway.surfaces.surface import Asked
from detente.gateway.upstream import Incoming, UpstreamError
from detente.gateway.upstream.heads import ends_with_connection
from detente.gateway.upstream.origin import parsed
from detente.gateway.upstream.visits import Visits
from detente.live.fetch import Fetch
from detente.providers.wire import Failure, Media, Refusal, Wire

AT_ONCE = 16
"""Files that a worker fetches at a time, of all calls together: each is held in memory."""
MAX_REDIRECTS = 3
MEDIA: tuple[Media, ...] = ("images", "documents")
_REDIRECTS = (301, 302, 303, 307, 308)
_BEGINNINGS: tuple[tuple[bytes, bytes, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", b"", "image/png"),
    (b"\xff\xd8\xff", b"", "image/jpeg"),
    (b"GIF8", b"", "image/gif"),
    (b"RIFF", b"WEBP", "image/webp"),
    (b"%PDF-", b"", "application/pdf"),
)
"""How files of each type begin, and what follows their length."""
_EXPECTED: Mapping[Media, tuple[str, str]] = {
    "images": ("image/", "no PNG, JPEG, GIF or WebP image"),
    "documents": ("application/pdf", "no PDF"),
}
_SAFE = "".join(chr(sign) for sign in range(0x21, 0x7F))


def type_of(content: bytes) -> str | None:
    """What a file is, by how it begins; None for what no model takes."""
    for begins, then, kind in _BEGINNINGS:
        if content.startswith(begins) and content[8 : 8 + len(then)] == then:
            return kind
    return None


class _Room:
    """What is left of the bytes that a call's files may have, all together."""

    def __init__(self, most: int) -> None:
        self.most = self.left = most

    def take(self, size: int) -> bool:
        """Whether a file has room."""
        self.left -= size
        return self.left >= 0


class Fetching:
    """Fetches files, for the calls of a worker.

    Parameters
    ----------
    visits
        Connects to public hosts.
    """

    def __init__(self, visits: Visits) -> None:
        self.visits = visits
        self._loop = asyncio.get_running_loop()
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def spoken(self, job: Job, wire: Wire) -> Asked:
        """What a wire is asked, with the files in it that its provider does not fetch, where the case allows that.

        Raises Refusal where one cannot be had, or where the rest cannot be said.
        """
        at_hand = await self._at_hand(job, wire)
        asked = job.surface.spoken(at_hand, wire)
        if at_hand is job.asked or asked.origin is None:
            return asked
        return msgspec.structs.replace(asked, origin=job.asked.call)  # what is kept of a turn names its files

    async def _at_hand(self, job: Job, wire: Wire) -> Asked:
        """What a caller asks, with those files in it. Raises Refusal."""
        fetch, call = job.moment.policy.serving.fetch, job.asked.call
        if fetch is None:
            return job.asked
        fetched = wire.fetches(call.operation if wire.speaks(call.operation) else "chat")
        media = [kind for kind in MEDIA if kind not in fetched]
        wanted = [part for part in attached(call, media) if part.url not in job.files]
        if wanted:
            began = self._loop.time()
            job.files.update(await self._all(wanted, fetch, len(job.files), job.until))
            job.waited += self._loop.time() - began
        if not job.files:
            return job.asked
        return msgspec.structs.replace(job.asked, call=inlined(call, media, job.files))

    async def _all(self, wanted: Sequence[Attached], fetch: Fetch, before: int, until: float) -> dict[str, InlineFile]:
        """Each file once, by its address."""
        each = {part.url: part for part in reversed(wanted)}
        for part in wanted:
            if (why := fetch.forbids(part.url)) is not None:
                raise _not_fetched(part, why)
        if before + len(each) > fetch.count:
            what = f"the call holds {before + len(each)} files by address, and the case allows {fetch.count}"
            raise Refusal(f"{what}: send fewer, or send them within the call", wanted[0].where)
        room, by = _Room(fetch.bytes), min(until, self._loop.time() + fetch.time)
        found = await all_of([partial(self._one, part, fetch, room, by) for part in each.values()])
        if isinstance(found, Failure):
            raise Refusal(str(found.error["message"]), found.error["param"])
        return dict(zip(each, found, strict=True))

    async def _one(self, part: Attached, fetch: Fetch, room: _Room, until: float) -> InlineFile | Failure:
        try:
            async with asyncio.timeout_at(until), self._turns:
                return _file(part, await self._followed(part, fetch, room, until))
        except TimeoutError:
            return _not_fetched(part, f"it had not come within {fetch.time:g} s").failure
        except UpstreamError as error:
            return _not_fetched(part, error.message).failure
        except Refusal as refusal:
            return refusal.failure

    async def _followed(self, part: Attached, fetch: Fetch, room: _Room, until: float) -> bytes:
        """The content of a file, wherever its address leads. Raises Refusal, UpstreamError."""
        url = part.url
        for _ in range(MAX_REDIRECTS + 1):
            if (why := fetch.forbids(url)) is not None:
                raise _not_fetched(part, why)
            origin, target = _split(part, url)
            incoming = await self.visits.get(parsed(origin)[0], target, until)
            try:
                if incoming.status not in _REDIRECTS or "location" not in incoming.headers:
                    return await _content(part, incoming, room)
                url = _led(part, url, incoming.headers["location"])
            finally:
                incoming.close()
        raise _not_fetched(part, f"its address redirects more than {MAX_REDIRECTS} times")


def _led(part: Attached, url: str, location: str) -> str:
    """The address that an address redirects to. Raises Refusal."""
    try:
        return urljoin(url, location)
    except ValueError:
        raise _not_fetched(part, "its address redirects to what is no valid address") from None


def _split(part: Attached, url: str) -> tuple[str, str]:
    """(the origin of an address, the target that is asked for there). Raises Refusal."""
    split = urlsplit(url)
    target = (split.path or "/") + (f"?{split.query}" if split.query else "")
    origin = f"{split.scheme}://{split.netloc}"
    try:
        parsed(origin)
    except ValueError:
        what = "its host name is not valid: write a name in ASCII (`xn--…`), or an IP address"
        raise _not_fetched(part, what) from None
    return origin, quote(target, safe=_SAFE)


async def _content(part: Attached, incoming: Incoming, room: _Room) -> bytes:
    if incoming.status != 200:
        raise _not_fetched(part, f"its host answered {incoming.status}")
    if ends_with_connection(incoming.status, incoming.headers):  # a cut picture may still be read as one
        raise _not_fetched(part, "its host does not say how long it is, so that a part looks like the whole")
    too_large = _not_fetched(part, f"the files of a call may have {room.most:,} bytes, all together")
    if int(incoming.headers.get("content-length", 0)) > max(room.left, 0):
        raise too_large
    content = bytearray()
    while data := await incoming.piece():
        if not room.take(len(data)):
            raise too_large
        content += data
    return bytes(content)


def _file(part: Attached, content: bytes) -> InlineFile:
    """A file, if it is what it is sent as."""
    kind = type_of(content)
    begins, what = _EXPECTED[part.media]
    if kind is None or not kind.startswith(begins):
        raise _not_fetched(part, f"what came is {what}")
    return InlineFile(kind, b2a_base64(content, newline=False).decode())


def _not_fetched(part: Attached, why: str) -> Refusal:
    """Why a file is not had. Its address is not repeated: it may hold a secret."""
    return Refusal(f"the file at `{part.where}` was not fetched: {why}; send it within the call, in base64", part.where)
