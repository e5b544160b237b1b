"""Fetching weights, against a server on this machine that can be told to break off, to refuse or to lie."""

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from camfuse.cli import app
from camfuse.config import WeightsFile
from camfuse.errors import WeightsError
from camfuse.weights import fetch as weights
from camfuse.weights.fetch import fetch_weights
from camfuse.weights.needed import Needed, check_weights

CONTENT = bytes(range(256)) * 4096
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@dataclass
class Server:
    """What the server does and what it was asked."""

    url: str = ""
    content: bytes = CONTENT
    break_after: list[int] = field(default_factory=list)  # bytes of one connection each, then whole ones
    resumes: bool = True
    status: int = 200
    ranges: list[str | None] = field(default_factory=list)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = self.headers["Range"]
            state.ranges.append(wanted)
            if state.status != 200:
                self.send_error(state.status)
                return
            start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted and state.resumes else 0
            if start and start >= len(state.content):
                self.send_error(416)
                return
            body = state.content[start:]
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: state.break_after.pop(0)] if state.break_after else body)

        def log_message(self, *_: Any) -> None:
            pass

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=httpd.serve_forever, daemon=True)
    thread.start()
    state.url = f"http://127.0.0.1:{httpd.server_port}/models/net-v1.pth"
    yield state
    httpd.shutdown()
    httpd.server_close()
    thread.join()


def needed(server: Server, folder: Path, sha256: str = SHA256) -> Needed:
    return Needed("pose.mmpose.weights", WeightsFile(url=server.url, sha256=sha256), folder / "net-v1.pth")


def test_a_file_is_fetched_and_its_whole_hash_known(server: Server, tmp_path: Path) -> None:
    one = needed(server, tmp_path / "weights", SHA256[:8])
    assert one.state() == f"missing  pose.mmpose.weights: {one.path}"
    found = fetch_weights(one)
    assert found.path.read_bytes() == CONTENT
    assert (found.sha256, found.expected) == (SHA256, SHA256[:8])
    assert one.state() == f"ready    pose.mmpose.weights: {one.path} (sha256 {SHA256})"
    assert list(one.path.parent.iterdir()) == [one.path]


def test_a_broken_connection_is_resumed(server: Server, tmp_path: Path) -> None:
    server.break_after = [2 * weights.CHUNK, 0, 3 * weights.CHUNK + 1000]
    assert fetch_weights(needed(server, tmp_path)).path.read_bytes() == CONTENT
    assert server.ranges == [None, *(f"bytes={pieces * weights.CHUNK}-" for pieces in (2, 2, 5))]


def test_what_an_earlier_run_left_is_used(server: Server, tmp_path: Path) -> None:
    (tmp_path / "net-v1.pth.part").write_bytes(CONTENT[:5000])
    assert needed(server, tmp_path).state().startswith("begun")
    fetch_weights(needed(server, tmp_path))
    assert server.ranges == ["bytes=5000-"]


def test_a_finished_part_is_only_checked(server: Server, tmp_path: Path) -> None:
    (tmp_path / "net-v1.pth.part").write_bytes(CONTENT)
    assert fetch_weights(needed(server, tmp_path)).path.read_bytes() == CONTENT


def test_a_server_that_cannot_resume_begins_anew(server: Server, tmp_path: Path) -> None:
    server.resumes = False
    (tmp_path / "net-v1.pth.part").write_bytes(b"something else")
    assert fetch_weights(needed(server, tmp_path)).path.read_bytes() == CONTENT


def test_another_hash_is_refused_and_the_file_set_aside(server: Server, tmp_path: Path) -> None:
    server.content = CONTENT[:-1] + b"!"
    one = needed(server, tmp_path)
    with pytest.raises(WeightsError, match=rf"expected sha256 {SHA256}, found [0-9a-f]{{64}}: refused"):
        fetch_weights(one)
    assert not one.path.exists()
    assert (tmp_path / "net-v1.pth.refused").exists()
    server.content = CONTENT
    assert fetch_weights(one).sha256 == SHA256  # the wrong bytes are not resumed


def test_eight_digits_must_be_the_first(server: Server, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="refused"):
        fetch_weights(needed(server, tmp_path, SHA256[8:16]))


@pytest.mark.parametrize("status", [403, 404])
def test_a_refusal_of_the_server_is_final(server: Server, tmp_path: Path, status: int) -> None:
    server.status = status
    with pytest.raises(WeightsError, match=f"{status}"):
        fetch_weights(needed(server, tmp_path))
    assert len(server.ranges) == 1


def test_without_network_the_error_says_which_file_goes_where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    checkpoint = WeightsFile(url="http://127.0.0.1:9/net.pth", sha256="0" * 8)  # port 9: nobody listens
    one = Needed("pose.mmpose.weights", checkpoint, tmp_path / "net.pth")
    with pytest.raises(WeightsError) as error:
        fetch_weights(one)
    for part in ("cannot be fetched", str(one.path), "http://127.0.0.1:9/net.pth", "without network", "00000000"):
        assert part in str(error.value)


def test_a_damaged_file_on_disk_is_refused(server: Server, tmp_path: Path) -> None:
    one = needed(server, tmp_path)
    one.path.write_bytes(CONTENT[:-1])
    with pytest.raises(WeightsError, match="damaged or another one"):
        check_weights(one)
    assert one.state().startswith("wrong")


def test_the_module_gives_up_in_the_end(server: Server, tmp_path: Path) -> None:
    server.break_after = [0] * weights.ATTEMPTS
    with pytest.raises(WeightsError, match="0 bytes are kept for the next try"):
        fetch_weights(needed(server, tmp_path))


def test_the_sub_command_lists_fetches_and_says_when_all_is_there(server: Server, tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    other = server.url.replace("net-v1", "persons")
    config.write_text(
        f"clips: {{folder: {{videos: {tmp_path}}}}}\n"
        f"machine: {{weights: {tmp_path / 'weights'}}}\n"
        f"pose: {{mmpose: {{weights: {{url: '{server.url}', sha256: {SHA256}}}, "
        f"detector: {{url: '{other}', sha256: {SHA256}}}}}}}\n"
    )
    run = CliRunner().invoke
    listed = run(app, ["weights", str(config), "--list"])
    assert (listed.exit_code, listed.output.count("missing"), server.ranges) == (2, 2, [])
    fetched = run(app, ["weights", str(config)])
    assert (fetched.exit_code, fetched.output.count("ready")) == (0, 2)
    assert len(server.ranges) == 2
    assert run(app, ["weights", str(config)]).exit_code == 0
    assert len(server.ranges) == 2  # what is there is not fetched again
