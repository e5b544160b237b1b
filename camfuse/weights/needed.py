"""Trained weights that a config names: where they belong, whether they are there and whole.

Nothing is fetched in passing: `camfuse weights` does it when told to, every other part only looks and says what is
missing. A file is used only after its SHA-256 was compared.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from camfuse.config import Config, WeightsFile, weights_file
from camfuse.errors import WeightsError


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
        part = part_of(self.path)
        if part.is_file():
            return f"begun    {self.key}: {self.path} ({part.stat().st_size / 1e6:.0f} MB are there)"
        return f"missing  {self.key}: {self.path}"


def initial_weights(config: Config) -> tuple[Needed, ...]:
    """Return the checkpoints that trainings start from, with keys like ``model.rgb.weights``."""
    files = ((part, weights_file(getattr(config.model, part).weights)) for part in config.model.parts)
    return tuple(
        Needed(f"model.{part}.weights", file, place_of(file, config.machine.weights))
        for part, file in files
        if file is not None
    )


def place_of(checkpoint: WeightsFile, folder: Path) -> Path:
    """Return where a checkpoint lies: at its own `path`, or in the folder of weights under its URL's last part."""
    if checkpoint.path is not None:
        return checkpoint.path
    return folder / unquote(Path(urlsplit(checkpoint.url or "").path).name)


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


def part_of(path: Path) -> Path:
    """Return where a file lies while it is being fetched."""
    return path.with_name(f"{path.name}.part")
