"""`camfuse serve MODEL` opens the page with what it is given."""

import signal
import socket
import subprocess
import sys
from typing import Any
from urllib.request import urlopen

import pytest
from made_training import MadeRun
from run_command import camfuse

from camfuse.cli import serve as commands
from camfuse.entries import Package
from camfuse.errors import ConfigError, MissingToolError
from camfuse.serve import app


@pytest.mark.parametrize(
    ("options", "host", "enroll"),
    [([], "127.0.0.1", True), (["--host", "0.0.0.0"], "0.0.0.0", False), (["--no-enroll"], "127.0.0.1", False)],
)
def test_the_page_is_for_this_machine_unless_told_otherwise(
    trained: MadeRun, monkeypatch: pytest.MonkeyPatch, options: list[str], host: str, enroll: bool
) -> None:
    calls: list[Any] = []
    monkeypatch.setattr(app, "serve", lambda *given: calls.append(given))
    said = camfuse("serve", trained.config.output, "--port", 9000, "--seconds", 7, *options)
    assert said == f"http://{host}:9000  (Ctrl-C ends it)\n"
    page, sockets, _ = calls[0]
    assert [each.getsockname() for each in sockets] == [(host, 9000)]
    assert page._enroll is enroll and page._limits.seconds == 7
    sockets[0].close()


def test_aiohttp_is_missing(trained: MadeRun, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "AIOHTTP", Package("no_such_package", "pip install it"))
    with pytest.raises(MissingToolError, match="camfuse serve needs no_such_package: pip install it"):
        camfuse("serve", trained.config.output)


def test_a_port_that_is_taken(trained: MadeRun) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=rf"cannot listen at 127.0.0.1, port {port}: .*give another --port"):
            camfuse("serve", trained.config.output, "--port", port)


def test_it_listens_answers_and_ends(trained: MadeRun) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "camfuse", "serve", trained.config.output, "--host", "localhost", "--port", port]
    with subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout and process.stdout.readline() == f"http://localhost:{port}  (Ctrl-C ends it)\n"
            with urlopen(f"http://127.0.0.1:{port}/", timeout=30) as page:  # it listens when it has said so
                assert "camfuse" in page.read().decode().lower()
        finally:
            process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
