"""Who signs, guessed from the videos' paths: only where a user asks for it, and shown for a check."""

import re
import shlex
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from camfuse.clips.label_files import name_some, plural

FOLDERS = r"^[^/]+/([^/]+)/"

PATTERNS = (
    r"(?i)(?:signer|subject|person|participant)[ _-]?([0-9]+)",  # hello/signer03_sample1.mp4
    FOLDERS,  # hello/anna/1.mp4
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
    for pattern, names, signed in _named(paths):
        several = sum(len(found) > 1 for found in signed.values())
        if len(set().union(*signed.values())) == 1 or several > len(signed) / 2:
            return Signers(pattern, dict(Counter(names).most_common()))
    return None


def why_no_guess(paths: Sequence[str]) -> str:
    """Say why `guess_signers` found nobody in these paths, and how a user says who signs, in one line."""
    for pattern, _, signed in _named(paths):
        several = sum(len(found) > 1 for found in signed.values())
        return (
            f"none is guessed: the names may be of people ({name_some(list(signed))}), but only {several} of "
            f"{len(signed)} {plural(several, 'signs', 'sign')} more than one word, and a guess needs most of them to. "
            f"If they are people, give --signer {shlex.quote(pattern)}"
        )
    return (
        "nothing in the names looks like people: a guess needs somebody's name in every path, several clips of most, "
        f"and nobody named as a word. --signer says how to tell: {shlex.quote(FOLDERS)} finds anna in hello/anna/1.mp4"
    )


def _named(paths: Sequence[str]) -> Iterator[tuple[str, list[str], dict[str, set[str]]]]:
    """Give each pattern whose findings may be people, what it finds in each path, and the words that each signs."""
    words = [path.split("/")[0] for path in paths]
    for pattern in PATTERNS:
        found = [re.search(pattern, unicodedata.normalize("NFC", path)) for path in paths]
        names = [match[1].strip() for match in found if match]
        if len(names) < len(paths) or not all(names):
            continue
        signed = defaultdict(set)
        for name, word in zip(names, words, strict=True):
            signed[name].add(word)
        named_as_words = {_plain(name) for name in signed} & {_plain(word) for word in words}
        if 2 <= len(signed) <= len(names) / 2 and not named_as_words:
            yield pattern, names, signed


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "", name).casefold()
