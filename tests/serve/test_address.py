"""Where the page listens: every address of a name, a taken port, a machine without IPv6."""

import errno
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest

from camfuse.errors import ConfigError
from camfuse.serve import address
from camfuse.serve.address import LOCAL, listening, names_of, written


@contextmanager
def listeners(host: str, port: int = 0) -> Iterator[list[socket.socket]]:
    sockets = listening(host, port)
    try:
        yield sockets
    finally:
        for each in sockets:
            each.close()


def test_names_by_which_a_server_may_be_called() -> None:
    assert names_of("127.0.0.1") == LOCAL
    assert names_of("lab.example") == LOCAL | {"lab.example"}
    assert names_of("0.0.0.0") is None
    assert names_of("::1") == LOCAL  # a browser sends it in brackets
    assert names_of("fe80::7") == LOCAL | {"[fe80::7]"}


def test_ipv6_is_written_in_brackets() -> None:
    assert [written(host) for host in ("::1", "[::1]", "127.0.0.1")] == ["[::1]", "[::1]", "127.0.0.1"]


def test_it_answers_where_it_listens() -> None:
    with listeners("127.0.0.1") as (one,), closing(socket.create_connection(one.getsockname(), timeout=5)):
        assert one.accept()


def test_a_taken_port_closes_what_was_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        closing(socket.create_server(("127.0.0.1", 0))) as free,
        closing(socket.create_server(("127.0.0.2", 0))) as taken,
    ):
        port = taken.getsockname()[1]
        first = ("127.0.0.1", port) if free.getsockname()[1] != port else ("127.0.0.3", port)
        several(monkeypatch, (socket.AF_INET, first), (socket.AF_INET, ("127.0.0.2", port)))
        with pytest.raises(ConfigError, match=f"cannot listen at lab, port {port}: .*in use.*; give another --port"):
            listening("lab", port)
        socket.create_server(first).close()  # it would be taken otherwise


def test_a_machine_without_ipv6_listens_at_the_other_address(monkeypatch: pytest.MonkeyPatch) -> None:
    several(monkeypatch, (socket.AF_INET6, ("::1", 0, 0, 0)), (socket.AF_INET, ("127.0.0.1", 0)))
    without_ipv6(monkeypatch)
    with listeners("localhost") as sockets:
        assert [each.family for each in sockets] == [socket.AF_INET]


def test_an_address_of_another_machine_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    several(monkeypatch, (socket.AF_INET6, ("::1", 0, 0, 0)))
    without_ipv6(monkeypatch)
    with pytest.raises(ConfigError, match="cannot listen at there"):
        listening("there", 8765)
    monkeypatch.undo()
    with pytest.raises(ConfigError, match=r"no\.such\.host\.invalid"):
        listening("no.such.host.invalid", 8765)


def several(monkeypatch: pytest.MonkeyPatch, *addresses: tuple[int, tuple[Any, ...]]) -> None:
    found = [(family, socket.SOCK_STREAM, 6, "", each) for family, each in addresses]
    monkeypatch.setattr(address.socket, "getaddrinfo", lambda *_given, **_options: found)


def without_ipv6(monkeypatch: pytest.MonkeyPatch) -> None:
    create = socket.create_server

    def create_server(where: tuple[Any, ...], *, family: int) -> socket.socket:
        if family == socket.AF_INET6:
            raise OSError(errno.EADDRNOTAVAIL, "Cannot assign requested address")
        return create(where, family=family)

    monkeypatch.setattr(address.socket, "create_server", create_server)
