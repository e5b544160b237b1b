"""Where the page's server listens, and by which names it may be called."""

import errno
import socket
from contextlib import ExitStack
from ipaddress import ip_address

from camfuse.errors import ConfigError

LOCAL = frozenset({"localhost", "127.0.0.1", "[::1]"})
"""Names of this machine for itself alone, as a browser sends them."""
ABSENT = {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}
"""What a machine without IPv6 says of localhost's second address."""


def written(host: str) -> str:
    """Return a host as it is written in an address: IPv6 in brackets."""
    return f"[{host}]" if ":" in host and not host.startswith("[") else host


def names_of(host: str) -> frozenset[str] | None:
    """Return the names by which a server that listens at `host` may be called; None: any."""
    try:
        everywhere = not host or ip_address(host).is_unspecified
    except ValueError:  # a name
        everywhere = False
    return None if everywhere else LOCAL | {written(host)}


def listening(host: str, port: int) -> list[socket.socket]:
    """Return a listening socket for each address of a host; `localhost` has two, one of them IPv6 where there is IPv6.

    Raises
    ------
    ConfigError
        If the port is taken, or the host is none of this machine.
    """
    bare = host.removeprefix("[").removesuffix("]")
    try:
        found = socket.getaddrinfo(bare or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        return _bound(list(dict.fromkeys((family, address) for family, _, _, _, address in found)))
    except OSError as error:
        raise ConfigError(f"cannot listen at {host}, port {port}: {error}; give another --port or --host") from error


def _bound(addresses: list[tuple[int, tuple[object, ...]]]) -> list[socket.socket]:
    """Bind all addresses or none; one that this machine does not have counts only if there is no other."""
    sockets: list[socket.socket] = []
    absent: OSError | None = None
    with ExitStack() as opened:
        for family, address in addresses:
            try:
                sockets.append(opened.enter_context(socket.create_server(address, family=family)))
            except OSError as error:
                if error.errno not in ABSENT:
                    raise
                absent = error
        if absent and not sockets:
            raise absent
        opened.pop_all()
    return sockets
