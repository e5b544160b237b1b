"""Fetching trained weights, when told to: resumed where it was cut off, accepted only with the right SHA-256."""

import http.client
import logging
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from tqdm import tqdm

from camfuse.errors import WeightsError
from camfuse.weights.needed import Needed, Weights, how_to_get, part_of, sha256_of

log = logging.getLogger(__name__)

CHUNK = 1 << 20
TIMEOUT = 60.0
"""Seconds without a byte after which a connection counts as broken."""
ATTEMPTS = 4
"""Connections in a row that bring nothing new before fetching gives up."""


def fetch_weights(needed: Needed) -> Weights:
    """Fetch a checkpoint, resuming where an earlier try was cut off, and compare its hash.

    Raises
    ------
    WeightsError
        If there is no URL, the server cannot be reached, or the hash is another; the file is then kept beside its
        place as `<name>.refused`, where nothing loads it.
    """
    if needed.checkpoint.url is None:
        raise WeightsError(how_to_get(needed))
    part = part_of(needed.path)
    part.parent.mkdir(parents=True, exist_ok=True)
    _download(needed, part)
    found, expected = sha256_of(part), needed.checkpoint.sha256
    if expected is not None and not found.startswith(expected):
        refused = part.replace(needed.path.with_name(f"{needed.path.name}.refused"))
        raise WeightsError(
            f"{needed.key}: {needed.checkpoint.url}: expected sha256 {expected}, found {found}: refused; "
            f"what came is in {refused}"
        )
    return Weights(part.replace(needed.path), found, expected)


def _download(needed: Needed, part: Path) -> None:
    """Fill `part`, connecting anew as long as each connection brings something."""
    idle = 0
    while idle < ATTEMPTS:
        before = _size(part)
        try:
            _append(needed, part)
            return
        except (URLError, http.client.HTTPException, OSError) as error:
            if isinstance(error, HTTPError) and error.code < 500:
                raise WeightsError(f"{needed.checkpoint.url}: {error}\n{how_to_get(needed)}") from error
            log.info("%s: broken off after %d bytes: %s", needed.checkpoint.url, _size(part), error)
            idle, reason = (0 if _size(part) > before else idle + 1), error
    raise WeightsError(
        f"{needed.checkpoint.url}: cannot be fetched: {reason} ({_size(part)} bytes are kept for the next try)\n"
        f"{how_to_get(needed)}"
    )


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _append(needed: Needed, part: Path) -> None:
    """Read one connection to its end; a server that cannot resume begins anew."""
    start = _size(part)
    request = Request(needed.checkpoint.url or "", headers={"Range": f"bytes={start}-"} if start else {})
    try:
        answer = urlopen(request, timeout=TIMEOUT)
    except HTTPError as error:
        if start and error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            return  # all of it is there already; the hash will tell
        raise
    with answer:
        resumed = answer.status == http.HTTPStatus.PARTIAL_CONTENT
        start = start if resumed else 0
        left = int(answer.headers["Content-Length"]) if answer.headers["Content-Length"] else None
        with (
            part.open("ab" if resumed else "wb") as file,
            tqdm(desc=needed.path.name, total=left and start + left, initial=start, unit="B", unit_scale=True) as bar,
        ):
            for piece in _pieces(answer, left):
                file.write(piece)
                bar.update(len(piece))


def _pieces(answer: http.client.HTTPResponse, left: int | None) -> Iterator[bytes]:
    """Read to the promised length; a connection that ends before is broken, though urllib does not say so."""
    while piece := answer.read(CHUNK):
        yield piece
        left = left and left - len(piece)
    if left:
        raise http.client.IncompleteRead(b"", left)
