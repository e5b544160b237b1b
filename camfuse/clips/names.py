"""What a recording is called elsewhere: names in other people's files, compared part by part from the end."""

import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import NamedTuple

from camfuse.clips.splits import VIDEO_SUFFIXES


class Recording(NamedTuple):
    """What a clip shows, and the file in which its name is looked up; the segment in seconds."""

    lookup: str
    clip_id: str
    video: str
    start: float
    end: float


def name_parts(name: str) -> tuple[str, ...]:
    r"""Return the folders and the name of a recording, without a video's suffix: ``hello/1.mp4`` is (hello, 1).

    Only known video suffixes are cut, so that ``base.v2`` keeps its name. Accents are composed; ``\`` parts folders
    too.
    """
    path = PurePosixPath(unicodedata.normalize("NFC", name).replace("\\", "/"))
    path = path.with_suffix("") if path.suffix.lower() in VIDEO_SUFFIXES else path
    return tuple(part for part in path.parts if part != "/")


def parts_needed(clips: Sequence[Recording]) -> list[int]:
    """Return how many parts of each clip's name, from the end, tell it from all others that are looked up in its file.

    1: the bare name is enough; 0: no part of the path is, as with several segments of one video. A name that is the
    id of another clip is not enough either. Clips that show the same segment of the same video need not be told apart.
    """
    names = [name_parts(clip.video) for clip in clips]
    needed, open_ones, depth = [0] * len(clips), list(range(len(clips))), 0
    while open_ones:
        depth += 1
        holders = defaultdict(set)
        for number in open_ones:
            lookup, clip_id, *recording = clips[number]
            holders[lookup, names[number][-depth:]].add(str(recording))
            if depth == 1:
                holders[lookup, (clip_id,)].add(str(recording))
        shared = [number for number in open_ones if len(holders[clips[number].lookup, names[number][-depth:]]) > 1]
        for number in set(open_ones).difference(shared):
            needed[number] = depth
        open_ones = [number for number in shared if len(names[number]) > depth]
    return needed


def common_parts(one: Sequence[str], other: Sequence[str]) -> int:
    """Return how many parts two names have in common from the end, 0 where a bare name belongs to two folders.

    ``a/hello/1`` and ``b/hello/1`` have two; ``hello/1`` and ``thanks/1`` none, for the folders contradict.
    """
    shorter = min(len(one), len(other))
    common = next((n for n in range(shorter) if one[-n - 1] != other[-n - 1]), shorter)
    return common if common > 1 or common == shorter else 0
