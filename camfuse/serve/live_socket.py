"""The camera's way to the server and back: a web socket that takes a frame, answers, and only then takes the next.

So whoever is too slow gets the newest frame, and none waits in line.
"""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from urllib.parse import urlsplit

from aiohttp import WSMsgType, web

from camfuse.errors import CamfuseError, ClipError
from camfuse.serve.limits import Limits
from camfuse.serve.live_session import LiveSession

log = logging.getLogger(__name__)

FRAME_BYTES = 2_000_000
"""The most that a frame may have."""
SILENCE = 30.0
"""Seconds without a frame after which a camera is given up."""
HEARTBEAT = 30.0
"""Seconds between the questions whether the other side is still there."""


class LiveSocket:
    """Answers cameras, each in a thread and with a model of its own.

    Parameters
    ----------
    open_session
        Opens the model for one camera; called and used in that camera's thread.
    limits
        How many cameras at a time, and for how long.
    """

    def __init__(self, open_session: Callable[[], LiveSession], limits: Limits) -> None:
        self._open_session = open_session
        self._limits = limits
        self._sockets: set[web.WebSocketResponse] = set()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Talk to one camera until it stops."""
        # a foreign page in the same browser may open a socket too, and cannot hide where it is from
        if urlsplit(request.headers.get("Origin", "")).netloc != request.host:
            raise web.HTTPForbidden(text=f"expected a socket of the page at {request.host}")
        socket = web.WebSocketResponse(max_msg_size=FRAME_BYTES, heartbeat=HEARTBEAT)
        await socket.prepare(request)
        if len(self._sockets) >= self._limits.live:
            await self._refuse(socket, "too many cameras are answered already: try again in a minute")
            return socket
        self._sockets.add(socket)
        try:
            await self._talk(socket)
        except TimeoutError:
            await self._refuse(socket, f"no frame came for {SILENCE:g} s")
        except ClipError as error:
            await self._refuse(socket, error.reason)
        except CamfuseError as error:
            await self._refuse(socket, str(error))
        except ConnectionError:
            log.info("a camera went away")
        except Exception:
            log.exception("this is a bug in camfuse; please report it with this message")
            await self._refuse(socket, "something went wrong here; the server's log says what")
        finally:
            self._sockets.discard(socket)
            await socket.close()
        return socket

    async def close(self) -> None:
        """End all talks."""
        for socket in list(self._sockets):
            await socket.close(message=b"the server ends")

    async def _talk(self, socket: web.WebSocketResponse) -> None:
        loop, pool = asyncio.get_running_loop(), ThreadPoolExecutor(1)
        try:
            session = await loop.run_in_executor(pool, self._open_session)
            try:
                await self._answer(socket, session, pool)
            finally:
                await loop.run_in_executor(pool, session.close)
        finally:
            pool.shutdown(wait=False)

    async def _answer(self, socket: web.WebSocketResponse, session: LiveSession, pool: ThreadPoolExecutor) -> None:
        loop = asyncio.get_running_loop()
        await socket.send_json({"ready": True})
        begin: float | None = None
        while True:
            message = await socket.receive(timeout=SILENCE)
            if message.type is WSMsgType.TEXT:
                await socket.send_json(await loop.run_in_executor(pool, session.finish))
            if message.type is not WSMsgType.BINARY:
                return
            now = loop.time()
            begin = now if begin is None else begin
            if now - begin > self._limits.live_seconds:
                raise ClipError("camera", f"{self._limits.live_seconds:g} s are over: begin anew")
            await socket.send_json(await loop.run_in_executor(pool, session.see, message.data, now - begin))

    async def _refuse(self, socket: web.WebSocketResponse, why: str) -> None:
        with suppress(ConnectionError):  # nobody is left to hear it
            await socket.send_json({"error": why})
        await socket.close()
