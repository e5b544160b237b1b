"""Trained weights from elsewhere: where they belong, whether they are whole, and how to get them.

Nothing is fetched in passing: `camfuse weights` does it when told to, every other part only looks and says what is
missing. A file is used only after its SHA-256 was compared.
"""

import hashlib
import http.client
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.parse import unquote, urlsplit
from urllib.request import Request, urlopen

from tqdm import tqdm

from camfuse.config import Config, WeightsFile
from camfuse.errors import WeightsError

log = logging.getLogger(__name__)

SHA256_DIGITS = 64
CHUNK = 1 << 20
TIMEOUT = 60.0
"""Seconds without a byte after which a connection counts as broken."""
ATTEMPTS = 4
"""Connections in a row that bring nothing new before fetching gives up."""


@dataclass(frozen=True)
class Weights:
    """A checkpoint file that is there and whole.

    Attributes
    ----------
    path
        The file.
    sha256
        Its hash, 64 digits.
    expected
        What the config says of it: 64 digits, the first of them, or None.
    """

    path: Path
    sha256: str
    expected: str | None


@dataclass(frozen=True)
class Needed:
    """A checkpoint that a config names, and where it belongs."""

    key: str
    checkpoint: WeightsFile
    path: Path

    def state(self) -> str:
        """Return one word and what there is to say: ready, missing, begun or wrong."""
        if self.path.is_file():
            try:
                found = check_weights(self)
            except WeightsError as error:
                return f"wrong    {error}"
            return f"ready    {self.key}: {self.path} (sha256 {found.sha256})"
        part = _part(self.path)
        if part.is_file():
            return f"begun    {self.key}: {self.path} ({part.stat().st_size / 1e6:.0f} MB are there)"
        return f"missing  {self.key}: {self.path}"


def needed_weights(config: Config) -> tuple[Needed, ...]:
    """Return the checkpoints that the run will load."""
    return pose_weights(config) + initial_weights(config)


def pose_weights(config: Config) -> tuple[Needed, ...]:
    """Return the checkpoints of the pose estimator: of the network, then of the detector."""
    for name in ("mmpose", "rtmlib"):
        if estimator := getattr(config.pose, name):
            named = {f"pose.{name}.{part}": getattr(estimator, part) for part in ("weights", "detector")}
            return tuple(Needed(key, checkpoint, _place(checkpoint, config)) for key, checkpoint in named.items())
    return ()


def initial_weights(config: Config) -> tuple[Needed, ...]:
    """Return the checkpoints that trainings start from, with keys like ``model.rgb.weights``."""
    model = config.model
    named = {
        "model.rgb.weights": model.rgb.weights,
        "model.pose.weights": model.pose.weights,
        "model.fusion.weights": model.fusion.weights,
    }
    return tuple(
        Needed(key, checkpoint, _place(checkpoint, config))
        for key, checkpoint in named.items()
        if checkpoint is not None
    )


def _place(checkpoint: WeightsFile, config: Config) -> Path:
    if checkpoint.path is not None:
        return checkpoint.path
    return config.machine.weights / unquote(Path(urlsplit(checkpoint.url or "").path).name)


def missing_weights(config: Config) -> list[str]:
    """Return one line for each checkpoint that is not there; hashes are compared later, when it is loaded."""
    return [how_to_get(needed) for needed in needed_weights(config) if not needed.path.is_file()]


def how_to_get(needed: Needed) -> str:
    """Return what to do about a checkpoint that is not there, with and without network."""
    url, sha256 = needed.checkpoint.url, needed.checkpoint.sha256
    if url is None:
        return f"{needed.key}: expected the file {needed.path}, which is not there; put it there or change `path`"
    return (
        f"{needed.key}: expected {needed.path}; run `camfuse weights CONFIG`, or without network fetch {url} "
        f"elsewhere and put it there (its sha256 begins with {sha256})"
    )


def check_weights(needed: Needed) -> Weights:
    """Compare the file's hash with the config's.

    Raises
    ------
    WeightsError
        If the file is not there or has another hash.
    """
    if not needed.path.is_file():
        raise WeightsError(how_to_get(needed))
    found, expected = sha256_of(needed.path), needed.checkpoint.sha256
    if expected is not None and not found.startswith(expected):
        raise WeightsError(
            f"{needed.key}: {needed.path}: expected sha256 {expected}, found {found}: "
            "the file is damaged or another one; remove it and run `camfuse weights CONFIG`, or fix `sha256`"
        )
    return Weights(needed.path, found, expected)


def sha256_of(path: Path) -> str:
    """Return a file's SHA-256 as 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def fetch_weights(needed: Needed) -> Weights:
    """Fetch a checkpoint, going on where an earlier try was cut off, and compare its hash.

    Raises
    ------
    WeightsError
        If there is no URL, the server cannot be reached, or the hash is another; the file is then kept beside its
        place as `<name>.refused`, where nothing loads it.
    """
    if needed.checkpoint.url is None:
        raise WeightsError(how_to_get(needed))
    part = _part(needed.path)
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


def _part(path: Path) -> Path:
    return path.with_name(f"{path.name}.part")


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
