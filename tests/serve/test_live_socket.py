"""The camera's way to the server: a frame, its answer, the next one; limits, foreign pages, the end."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest

from camfuse.serve import live_session, live_socket
from camfuse.serve.work import Worker
from tests.serve.test_app import with_client
from tests.serve.test_live_session import FRAME

Use = Callable[[Any, Callable[[], Any]], Awaitable[None]]


def on_socket(worker: Worker, use: Use) -> None:
    """Call `use` with the client and what opens a socket as the page does."""

    async def run(client: Any) -> None:
        await use(client, lambda: client.ws_connect("/live", headers={"Origin": str(client.make_url("/")).rstrip("/")}))

    with_client(worker, run)


async def said(socket: Any) -> Any:
    return await socket.receive_json(timeout=20)


def test_a_camera_is_answered_frame_by_frame(worker: Worker) -> None:
    async def use(client: Any, connect: Callable[[], Any]) -> None:
        async with connect() as socket:
            assert await said(socket) == {"ready": True}
            for _ in range(15):
                await socket.send_bytes(FRAME)
                assert len((await said(socket))["points"]) == 133
                await asyncio.sleep(0.03)
            await socket.send_str("stop")
            assert [sign["number"] for sign in (await said(socket))["signs"]] == [1]
            assert (await socket.receive(timeout=20)).type is aiohttp.WSMsgType.CLOSE

    on_socket(worker, use)


def test_one_too_many_is_sent_away_until_the_first_is_gone(worker: Worker) -> None:
    async def use(client: Any, connect: Callable[[], Any]) -> None:
        async with connect() as first:
            await said(first)
            async with connect() as second:
                assert "too many cameras" in (await said(second))["error"]
        for _ in range(50):
            async with connect() as third:
                if "ready" in await said(third):
                    return
            await asyncio.sleep(0.1)
        raise AssertionError("the place of the first stays taken")

    on_socket(worker, use)


def test_foreign_pages_are_kept_out(worker: Worker) -> None:
    async def use(client: Any, connect: Callable[[], Any]) -> None:
        for headers in ({}, {"Origin": "http://evil.example"}, {"Origin": "null"}):
            with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
                await client.ws_connect("/live", headers=headers)

    on_socket(worker, use)


@pytest.mark.parametrize(
    ("frame", "error"),
    [(b"no image", "expected frames as JPEG"), (b"x" * 2_000_001, None), (None, "no frame came for 0.2")],
)
def test_what_is_no_frame_ends_it(
    worker: Worker, monkeypatch: pytest.MonkeyPatch, frame: bytes | None, error: str | None
) -> None:
    async def use(client: Any, connect: Callable[[], Any]) -> None:
        async with connect() as socket:
            await said(socket)
            if frame is None:
                await asyncio.sleep(0.3)
            else:
                await socket.send_bytes(frame)
            if error:
                assert error in (await said(socket))["error"]
            assert (await socket.receive(timeout=20)).type is aiohttp.WSMsgType.CLOSE

    if frame is None:
        monkeypatch.setattr(live_socket, "SILENCE", 0.2)
    on_socket(worker, use)


def test_it_ends_when_its_time_is_over(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    async def use(client: Any, connect: Callable[[], Any]) -> None:
        async with connect() as socket:
            await said(socket)
            await socket.send_bytes(FRAME)
            await said(socket)
            await asyncio.sleep(0.2)
            await socket.send_bytes(FRAME)
            assert "are over" in (await said(socket))["error"]

    monkeypatch.setattr("tests.serve.test_app.LIMITS", live_session.Limits(live_seconds=0.1))
    on_socket(worker, use)


def test_a_camera_that_goes_away_frees_its_place(worker: Worker, caplog: pytest.LogCaptureFixture) -> None:
    async def use(client: Any, connect: Callable[[], Any]) -> None:
        socket = await connect()
        await said(socket)
        await socket.send_bytes(FRAME)
        socket._response.close()  # without a word
        for _ in range(50):
            async with connect() as other:
                if "ready" in await said(other):
                    return
            await asyncio.sleep(0.1)
        raise AssertionError("the place stays taken")

    on_socket(worker, use)
    assert "bug" not in caplog.text


def test_a_bug_is_said_and_frees_the_place(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*given: Any) -> Any:
        raise KeyError("bug")

    monkeypatch.setattr(live_session.LiveSession, "see", broken)

    async def use(client: Any, connect: Callable[[], Any]) -> None:
        for _ in range(2):
            async with connect() as socket:
                await said(socket)
                await socket.send_bytes(FRAME)
                assert "went wrong" in (await said(socket))["error"]
            await asyncio.sleep(0.3)

    on_socket(worker, use)
