"""The requests of the page: limits, several people at once, foreign pages; and the page in a real browser."""

import asyncio
import json
import subprocess
import tempfile
import threading
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer
from made_videos import write_numbers

from camfuse.ffmpeg_tool import find_ffmpeg
from camfuse.serve.address import LOCAL
from camfuse.serve.app import HEADER, Page
from camfuse.serve.limits import Limits
from camfuse.serve.work import Chosen, Worker
from tests.serve.browser import Tab, open_tab
from tests.serve.conftest import LIMITS

OURS = {HEADER: "1"}


def with_client(worker: Worker, use: Callable[[Any], Awaitable[None]], *, enroll: bool = True) -> None:
    async def run() -> None:
        page = Page(worker, LIMITS, enroll=enroll)
        async with TestClient(TestServer(page.application(LOCAL))) as client:
            await use(client)

    asyncio.run(run())


def test_the_page_and_its_files(worker: Worker) -> None:
    async def use(client: Any) -> None:
        for path, kind in (("/", "text/html"), ("/page.css", "text/css"), ("/page.js", "text/javascript")):
            answer = await client.get(path)
            assert answer.status == 200 and answer.content_type == kind
            assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
        facts = await (await client.get("/facts")).json()
        assert facts["part"] == "fusion" and len(facts["words"]) == 3
        assert (await client.get("/../pyproject.toml")).status == 404

    with_client(worker, use)


def test_an_upload_is_answered_and_deleted(
    worker: Worker, video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "uploads").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "uploads"))

    async def use(client: Any) -> None:
        for data, status in ((video.read_bytes(), 200), (b"no video", 422), (b"", 422), (b"x" * 2_000_001, 422)):
            answer = await client.post("/answer", data=data, headers=OURS)
            found = await answer.json()
            assert answer.status == status, found
            assert ("error" in found) == (status != 200)
            assert str(tmp_path) not in json.dumps(found.get("error", ""))
        assert list((tmp_path / "uploads").iterdir()) == []

    with_client(worker, use)


def test_several_people_at_once_get_their_own_answers(worker: Worker, tmp_path: Path) -> None:
    videos = [write_numbers(tmp_path / f"{frames}.mp4", frames) for frames in (10, 15, 20)]

    async def use(client: Any) -> None:
        async def ask(video: Path) -> int:
            answer = await client.post("/answer", data=video.read_bytes(), headers=OURS)
            return int((await answer.json())["frames"])

        assert await asyncio.gather(*(ask(video) for video in videos)) == [10, 15, 20]

    with_client(worker, use)


def test_one_too_many_is_sent_away(worker: Worker, video: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    go = threading.Event()
    real = worker.answer

    def slow(path: Path) -> dict[str, Any]:
        go.wait(20)
        return real(path)

    monkeypatch.setattr(worker, "answer", slow)

    async def use(client: Any) -> None:
        data = video.read_bytes()
        waiting = [asyncio.create_task(client.post("/answer", data=data, headers=OURS)) for _ in range(LIMITS.waiting)]
        await asyncio.sleep(0.5)
        assert (await client.post("/answer", data=data, headers=OURS)).status == 503
        go.set()
        assert [(await one).status for one in waiting] == [200] * LIMITS.waiting

    with_client(worker, use)


def test_foreign_pages_are_kept_out(worker: Worker, video: Path) -> None:
    async def use(client: Any) -> None:
        refused = await client.post("/answer", data=video.read_bytes())
        assert refused.status == 403
        assert "use the page, or add `X-Camfuse: 1`" in (await refused.json())["error"]
        assert (await client.get("/", headers={"Host": "evil.example:80"})).status == 403
        assert (await client.options("/answer", headers={"Origin": "http://evil.example"})).status == 405

    with_client(worker, use)


def test_enrolling_only_where_it_is_allowed(worker: Worker, video: Path) -> None:
    async def allowed(client: Any) -> None:
        assert (await client.post("/enroll?word=", data=b"", headers=OURS)).status == 400
        answer = await client.post("/enroll?word=numbers", data=video.read_bytes(), headers=OURS)
        assert answer.status == 200 and "numbers" in (await answer.json())["words"]

    async def forbidden(client: Any) -> None:
        assert not (await (await client.get("/facts")).json())["enroll"]
        assert (await client.post("/enroll?word=other", data=video.read_bytes(), headers=OURS)).status == 403

    with_client(worker, allowed)
    with_client(worker, forbidden, enroll=False)


def test_a_bug_is_no_page_of_html(worker: Worker, video: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(path: Path) -> dict[str, Any]:
        raise KeyError("bug")

    monkeypatch.setattr(worker, "answer", broken)

    async def use(client: Any) -> None:
        answer = await client.post("/answer", data=video.read_bytes(), headers=OURS)
        assert answer.status == 500 and "went wrong" in (await answer.json())["error"]

    with_client(worker, use)


# ------------------------------------------------------------------------------------------- in a browser


def in_browser(worker: Worker, use: Callable[[Tab], Coroutine[Any, Any, None]], *options: str) -> None:
    async def run() -> None:
        page = Page(worker, LIMITS, enroll=True)
        async with TestServer(page.application(LOCAL)) as server, open_tab(str(server.make_url("/")), *options) as tab:
            await use(tab)
            assert tab.messages == []

    asyncio.run(run())


ANSWERED = "!document.getElementById('answer').hidden && document.getElementById('state').textContent.startsWith('Ans')"


def test_a_file_in_a_browser(worker: Worker, video: Path, tmp_path: Path) -> None:
    async def use(tab: Tab) -> None:
        await tab.wait("document.getElementById('facts').textContent.includes('3 words')")
        (tmp_path / "text.mp4").write_text("no video")
        await tab.choose_file(tmp_path / "text.mp4")
        await tab.wait("document.getElementById('state').classList.contains('wrong')")
        await tab.choose_file(video)
        await tab.wait(ANSWERED)
        assert await tab.run("document.querySelectorAll('#line button').length") == 1
        assert await tab.run("document.querySelectorAll('.word').length") == 3
        for picture in ("sheet", "attention"):
            await tab.wait(f"document.querySelector('#{picture} img').naturalWidth > 200")
        await tab.wait("document.getElementById('drawn').videoWidth > 0")
        await tab.run(
            "document.getElementById('word').value = '<b>numbers'; document.querySelector('#enroll button').click()"
        )
        await tab.wait("document.getElementById('state').textContent.startsWith('Enrolled')")
        await tab.choose_file(video)
        await tab.wait(ANSWERED)
        assert await tab.run("document.querySelector('.word span').textContent") == "<b>numbers"
        for width, phone in ((1280, False), (390, True)):
            await tab.size(width, 800, phone=phone)
            assert await tab.run("document.documentElement.scrollWidth") <= width

    in_browser(worker, use)


HOSTILE = (
    "<script>window.ran = 1</script>",
    "\"><img src=x onerror='window.ran = 1'>",
    "<svg onload='window.ran = 1'></svg>",
)


def test_hostile_words_in_a_browser(worker: Worker, video: Path, tmp_path: Path) -> None:
    """With the page's policy off, so that its escaping alone keeps them from running."""
    for number, word in enumerate(HOSTILE):
        worker.enroll(word, write_numbers(tmp_path / f"{number}.mp4", 18 + number))

    async def use(tab: Tab) -> None:
        await tab.call("Page.setBypassCSP", enabled=True)
        await tab.call("Page.reload")
        await tab.wait("document.getElementById('facts')?.textContent.includes('6 words')")
        await tab.choose_file(video)
        await tab.wait(ANSWERED)
        shown = await tab.run("[...document.querySelectorAll('.word span:first-child')].map(one => one.textContent)")
        assert set(HOSTILE) & set(shown)
        text = await tab.run("document.getElementById('facts').textContent")
        assert all(word in text for word in HOSTILE)
        await asyncio.sleep(0.3)
        assert await tab.run("window.ran === undefined")
        assert await tab.run("document.querySelectorAll('[onerror], [onload], img[src=x]').length") == 0

    in_browser(worker, use)


def fake_camera(shared_data: Path, folder: Path) -> tuple[str, ...]:
    """Return options by which the browser's camera shows a real clip, again and again."""
    clip, fake = shared_data / "clips" / "asl" / "videos" / "help_16.mp4", folder / "camera.mjpeg"
    command = [find_ffmpeg(), "-v", "error", "-i", str(clip), "-vf", "scale=640:480", "-q:v", "3", str(fake)]
    subprocess.run(command, check=True)
    options = ("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream")
    return (*options, f"--use-file-for-fake-video-capture={fake}")


@pytest.mark.slow
def test_a_camera_in_a_browser(run: Path, shared_data: Path, tmp_path: Path) -> None:
    """A real clip as a camera through MediaPipe: recorded by the browser, and answered live."""
    camera = fake_camera(shared_data, tmp_path)
    worker = Worker(Chosen(run), Limits())

    async def use(tab: Tab) -> None:
        await tab.run("document.getElementById('open').click()")
        await tab.wait("!document.getElementById('record').hidden")
        await tab.run("document.getElementById('record').click()")
        await asyncio.sleep(1.5)
        await tab.run("document.getElementById('record').click()")
        await tab.wait(ANSWERED, seconds=120)
        assert await tab.run("document.getElementById('drawn').src.length") > 1000

        await tab.run("document.getElementById('live').click()")
        await tab.wait("document.querySelectorAll('#heard li').length >= 1", seconds=60)
        assert "frames/s" in await tab.state()
        assert await tab.run("document.getElementById('drawing').width") > 100
        for width, phone in ((1280, False), (390, True)):
            await tab.size(width, 800, phone=phone)
            assert await tab.run("document.documentElement.scrollWidth") <= width
        await tab.run("document.getElementById('live').click()")
        await tab.wait("document.getElementById('state').textContent.startsWith('Stopped after')")
        assert not await tab.run("document.getElementById('record').disabled")

    in_browser(worker, use, *camera)
