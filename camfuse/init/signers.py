"""Who signs, guessed from the videos' paths: only where a user asks for it, and shown for a check."""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

PATTERNS = (
    r"(?i)(?:signer|subject|person|participant)[ _-]?([0-9]+)",  # hello/signer03_sample1.mp4
    r"^[^/]+/([^/]+)/",  # hello/anna/1.mp4
    r"/([^/_-]*[^/_0-9-])[ _-]?[0-9]+[.][^./]+$",  # hello/anna2.mp4
    r"/([^/_-]*[A-Za-z][^/_-]*)[_-][^/]*$",  # hello/anna_2.mp4, hello/s01-hello.mp4
    r"[_-]([^/_-]*[A-Za-z][^/_-]*)[.][^./]+$",  # hello/2_anna.mp4
)
"""Where names often say who signs, tried in this order; each is a value of `clips.folder.signer`. A number
alone is taken for a person in a folder's name or behind a word like signer; in a file's it counts takes."""


@dataclass(frozen=True)
class Signers:
    """A guess.

    Attributes
    ----------
    pattern
        The regular expression for `clips.folder.signer`.
    clips
        Clips of each signer that it finds, the most first.
    """

    pattern: str
    clips: dict[str, int]


def guess_signers(paths: Sequence[str]) -> Signers | None:
    """Return the first pattern whose findings look like people, or None.

    They do where every path names one, there are at least two and at most one for two clips, none is named as a word
    is, and most sign more than one word.

    Parameters
    ----------
    paths
        Of the videos, from the folder of words: ``hello/anna/1.mp4``.
    """
    for pattern in PATTERNS:
        found = [re.search(pattern, unicodedata.normalize("NFC", path)) for path in paths]
        names = [match[1].strip() for match in found if match]
        if len(names) == len(paths) and all(names) and _like_people(names, [path.split("/")[0] for path in paths]):
            return Signers(pattern, dict(Counter(names).most_common()))
    return None


def _like_people(names: Sequence[str], words: Sequence[str]) -> bool:
    signed = defaultdict(set)
    for name, word in zip(names, words, strict=True):
        signed[name].add(word)
    if not 2 <= len(signed) <= len(names) / 2 or {_plain(name) for name in signed} & {_plain(word) for word in words}:
        return False
    several = sum(len(found) > 1 for found in signed.values())
    return len(set(words)) == 1 or several > len(signed) / 2


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "", name).casefold()
