"""A headless Chromium, driven by its own protocol (https://chromedevtools.github.io/devtools-protocol)."""

import asyncio
import json
import re
import shutil
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")


def find_browser() -> str:
    """Return the browser's path, or skip the test."""
    for name in NAMES:
        if path := shutil.which(name):
            return path
    pytest.skip(f"needs a browser: none of {', '.join(NAMES)} is on PATH")


class Tab:
    """One page of the browser."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._number = 0
        self.messages: list[str] = []

    async def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command and wait for its answer; what the console says meanwhile is kept."""
        self._number += 1
        await self._socket.send_json({"id": self._number, "method": method, "params": parameters})
        while True:
            found: dict[str, Any] = json.loads((await self._socket.receive(timeout=60)).data)
            refused = found.get("params", {}).get("entry", {}).get("source") == "network"  # an upload that is no video
            if found.get("method") in ("Runtime.exceptionThrown", "Log.entryAdded") and not refused:
                self.messages.append(json.dumps(found["params"]))
            if found.get("id") == self._number:
                assert "error" not in found, found["error"]
                result: dict[str, Any] = found["result"]
                return result

    async def run(self, script: str) -> Any:
        """Return the value of an expression on the page; a promise is waited for."""
        found = await self.call(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True, userGesture=True
        )
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    async def wait(self, script: str, seconds: float = 60) -> None:
        """Wait until an expression is true."""
        end = time.monotonic() + seconds
        while not await self.run(script):
            assert time.monotonic() < end, f"waited in vain for {script}; state: {await self.state()}"
            await asyncio.sleep(0.1)

    async def state(self) -> str:
        return str(await self.run("document.getElementById('state').textContent"))

    async def choose_file(self, path: Path) -> None:
        """Give a file to the page's input."""
        document = await self.call("DOM.getDocument")
        node = await self.call("DOM.querySelector", nodeId=document["root"]["nodeId"], selector="#file")
        await self.call("DOM.setFileInputFiles", files=[str(path)], nodeId=node["nodeId"])

    async def size(self, width: int, height: int, *, phone: bool = False) -> None:
        await self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=phone
        )


@asynccontextmanager
async def open_tab(url: str, *options: str) -> AsyncIterator[Tab]:
    """Open a page in a browser of its own, which ends with the context."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        process = await asyncio.create_subprocess_exec(
            find_browser(),
            *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"),
            *("--remote-debugging-port=0", f"--user-data-dir={profile}", *options, "about:blank"),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        assert process.stderr is not None
        try:
            port = await asyncio.wait_for(_port(process.stderr), 60)
            async with aiohttp.ClientSession() as session:
                pages = await (await session.get(f"http://127.0.0.1:{port}/json/list")).json()
                page = next(one for one in pages if one["type"] == "page")
                async with session.ws_connect(page["webSocketDebuggerUrl"], max_msg_size=0) as socket:
                    tab = Tab(socket)
                    for domain in ("Page", "Runtime", "Log"):
                        await tab.call(f"{domain}.enable")
                    await tab.call("Page.navigate", url=url)
                    await tab.wait("document.readyState === 'complete'")
                    yield tab
        finally:
            process.kill()
            await process.wait()


async def _port(stderr: asyncio.StreamReader) -> int:
    async for line in stderr:
        if found := re.search(rb"DevTools listening on ws://127\.0\.0\.1:(\d+)/", line):
            return int(found[1])
    raise AssertionError("the browser ended before it listened")
