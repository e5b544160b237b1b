"""The web application: a page, two requests that carry a video, and a web socket for a camera.

Nothing of an upload is kept: it lies in a temporary folder while it is worked on, and the answer goes back to whoever
sent it, images included, so that several people's videos cannot mix. One thread works, the others wait in line.
"""

import asyncio
import logging
import socket
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from aiohttp import web

from camfuse.errors import CamfuseError, ClipError
from camfuse.serve.limits import Limits
from camfuse.serve.live_session import LiveSession, bones
from camfuse.serve.live_socket import LiveSocket
from camfuse.serve.work import Worker

log = logging.getLogger(__name__)

FILES = {
    "/": ("page.html", "text/html"),
    "/page.css": ("page.css", "text/css"),
    "/page.js": ("page.js", "text/javascript"),
}
HEADER = "X-Camfuse"
"""A header that only the page's own scripts can send: a foreign page in the same browser cannot."""
UPLOAD_SECONDS = 120
POLICY = "default-src 'self'; img-src 'self' data:; media-src 'self' data: blob:; base-uri 'none'; form-action 'none'"


class Page:
    """The requests of the page.

    Parameters
    ----------
    worker
        Does the work, in a thread of this object's.
    limits
        What an upload may be.
    enroll
        Whether words may be enrolled.
    """

    def __init__(self, worker: Worker, limits: Limits, *, enroll: bool) -> None:
        self._worker = worker
        self._limits = limits
        self._enroll = enroll
        self._pool = ThreadPoolExecutor(1)
        self._waiting = 0
        self._live = LiveSocket(partial(LiveSession, worker.chosen, limits), limits)

    def application(self, hosts: Collection[str] | None) -> web.Application:
        """Return the application.

        Parameters
        ----------
        hosts
            Names by which the server may be called, without port; None: any. Others are refused, so that no foreign
            page reaches a server of this machine under a name of its own.
        """
        application = web.Application(middlewares=[_guard(hosts)])
        for path in FILES:
            application.router.add_get(path, self._file)
        application.router.add_get("/facts", self._facts)
        application.router.add_post("/answer", self._answer)
        application.router.add_post("/enroll", self._enroll_word)
        application.router.add_get("/live", self._live.handle)
        application.on_shutdown.append(lambda _application: self._live.close())
        application.cleanup_ctx.append(self._closing)
        return application

    async def _closing(self, _application: web.Application) -> AsyncIterator[None]:
        yield
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._worker.close()

    async def _file(self, request: web.Request) -> web.Response:
        name, kind = FILES[request.path]
        return web.Response(text=(Path(__file__).parent / name).read_text(encoding="utf-8"), content_type=kind)

    async def _facts(self, _request: web.Request) -> web.Response:
        facts = self._worker.facts()
        return web.json_response(facts | {"enroll": facts["enroll"] and self._enroll, "bones": bones()})

    async def _answer(self, request: web.Request) -> web.Response:
        return await self._with_upload(request, self._worker.answer)

    async def _enroll_word(self, request: web.Request) -> web.Response:
        word = request.query.get("word", "").strip()
        if not self._enroll:
            return _problem(403, "words cannot be enrolled on this server")
        if not word:
            return _problem(400, "expected a word to enroll, found none")
        return await self._with_upload(request, lambda video: self._worker.enroll(word, video))

    async def _with_upload(self, request: web.Request, work: Callable[[Path], dict[str, Any]]) -> web.Response:
        """Take the video of a request, work on it when its turn comes, and delete it."""
        if request.headers.get(HEADER) is None:
            return _problem(403, f"expected the header {HEADER}, found none: use the page, or add `{HEADER}: 1`")
        if self._waiting >= self._limits.waiting:
            return _problem(503, "too many people are waiting: try again in a minute")
        self._waiting += 1
        try:
            with tempfile.TemporaryDirectory(prefix="camfuse-upload-") as folder:
                video = Path(folder) / "upload"
                async with asyncio.timeout(UPLOAD_SECONDS):
                    await self._receive(request, video)
                done = await asyncio.get_running_loop().run_in_executor(self._pool, work, video)
        except TimeoutError:
            return _problem(408, f"the upload took longer than {UPLOAD_SECONDS} s")
        except ClipError as error:
            return _problem(422, error.reason.replace(str(video), "the video"))
        except CamfuseError as error:
            return _problem(422, str(error).replace(str(video), "the video"))
        finally:
            self._waiting -= 1
        return web.json_response(done)

    async def _receive(self, request: web.Request, video: Path) -> None:
        size, most = 0, self._limits.megabytes * 1e6
        with video.open("wb") as file:
            async for chunk in request.content.iter_chunked(1 << 16):
                size += len(chunk)
                if size > most:
                    raise ClipError("upload", f"expected a file of at most {self._limits.megabytes:g} MB, found more")
                file.write(chunk)


Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def _guard(hosts: Collection[str] | None) -> Any:
    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        if hosts is not None and request.host.rpartition(":")[0] not in hosts and request.host not in hosts:
            return _problem(403, f"this server is not called {request.host}")
        try:
            response = await handler(request)
        except web.HTTPException:
            raise
        except Exception:
            log.exception("this is a bug in camfuse; please report it with this message")
            response = _problem(500, "something went wrong here; the server's log says what")
        response.headers.update(
            {
                "Content-Security-Policy": POLICY,
                "X-Content-Type-Options": "nosniff",
                "X-Frame-Options": "DENY",
                "Referrer-Policy": "no-referrer",
                "Cache-Control": "no-store",
            }
        )
        return response

    return guard


def _problem(status: int, text: str) -> web.Response:
    return web.json_response({"error": text}, status=status)


def serve(page: Page, sockets: list[socket.socket], hosts: Collection[str] | None) -> None:
    """Serve until somebody interrupts.

    Parameters
    ----------
    page
        What is asked.
    sockets
        Where: `camfuse.serve.address.listening` makes them.
    hosts
        As `Page.application` has it.
    """
    web.run_app(page.application(hosts), sock=sockets, print=None, access_log=None)
