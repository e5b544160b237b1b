"""Fetching trained weights, when told to: resumed where it was cut off, accepted only with the right SHA-256.

A connection, from request to file, and its progress bar are pooch's. Ours is what it has not: it keeps nothing of a
download that was cut off, knows whole hashes only (OpenMMLab publishes the first eight digits of some), and deletes
a file with another hash, where a look at it often says what came (a page that asks to log in).
"""

import logging
from http import HTTPStatus
from pathlib import Path

from pooch import HTTPDownloader
from requests import RequestException

from camfuse.errors import WeightsError
from camfuse.weights.needed import Needed, Weights, how_to_get, part_of, sha256_of

log = logging.getLogger(__name__)

CHUNK = 1 << 16
"""Bytes that are written at once; a connection that breaks off loses less than that."""
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
    url, expected = needed.checkpoint.url, needed.checkpoint.sha256 or ""
    if url is None:
        raise WeightsError(how_to_get(needed))
    part = part_of(needed.path)
    part.parent.mkdir(parents=True, exist_ok=True)
    whole = not _download(url, part, needed)
    found = sha256_of(part)
    if not whole and not found.startswith(expected):
        # the server began anew where it was to resume, or what was there belonged to another file
        log.info("%s: resuming gave another hash; fetched as a whole", url)
        part.unlink()
        _download(url, part, needed)
        found = sha256_of(part)
    if not found.startswith(expected):
        refused = part.replace(needed.path.with_name(f"{needed.path.name}.refused"))
        raise WeightsError(
            f"{needed.key}: {url}: expected sha256 {expected}, found {found}: refused; what came is in {refused}"
        )
    return Weights(part.replace(needed.path), found, needed.checkpoint.sha256)


def _download(url: str, part: Path, needed: Needed) -> bool:
    """Fill `part`, connecting anew as long as each connection brings something; return whether any was resumed."""
    idle, resumed = 0, False
    while idle < ATTEMPTS:
        before = _size(part)
        resumed |= before > 0
        try:
            _append(url, part, before)
            return resumed
        except RequestException as error:
            status = 0 if error.response is None else error.response.status_code
            if before and status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                return resumed  # all of it is there already; the hash will tell
            if HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR:
                raise WeightsError(f"{url}: {error}\n{how_to_get(needed)}") from error
            log.info("%s: broken off after %d bytes: %s", url, _size(part), error)
            idle, reason = (0 if _size(part) > before else idle + 1), error
    raise WeightsError(
        f"{url}: cannot be fetched: {reason} ({_size(part)} bytes are kept for the next try)\n{how_to_get(needed)}"
    )


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _append(url: str, part: Path, start: int) -> None:
    """Add what one connection brings to `part`, which has `start` bytes."""
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={start}-"} if start else {})
    get = HTTPDownloader(progressbar=True, chunk_size=CHUNK, timeout=TIMEOUT, headers=headers)
    with part.open("ab") as file:
        get(url, file, None)
