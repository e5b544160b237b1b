"""LSA64: 64 signs of Argentinian Sign Language by 10 signers, 5 times each; no label file, the names say all."""

import os
from itertools import product
from pathlib import Path

import pandas as pd

from camfuse.clips.label_files import check_folder, name_some, plural
from camfuse.clips.labels import make_table
from camfuse.clips.sources.entry import SourceEntry
from camfuse.clips.splits import VIDEO_SUFFIXES
from camfuse.clips.table import ClipTable
from camfuse.config.sources import LSA64_SIGNERS, Lsa64Source
from camfuse.errors import TableError

REPETITIONS = 5
SIGNS = tuple(
    "Opaque,Red (02),Green,Yellow,Bright,Light-blue,Colors,Red (08),Women,Enemy,Son,Man,Away,Drawer,Born,Learn,"
    "Call,Skimmer,Bitter,Sweet milk,Milk,Water,Food,Argentina,Uruguay,Country,Last name,Where,Mock,Birthday,Breakfast,"
    "Photo,Hungry,Map,Coin,Music,Ship,None,Name,Patience,Perfume,Deaf,Trap,Rice,Barbecue,Candy,Chewing-gum,Spaghetti,"
    "Yogurt,Accept,Thanks,Shut down,Appear,To land,Catch,Help,Dance,Bathe,Buy,Copy,Run,Realize,Give,Find".split(",")
)
"""Names of the signs 1 to 64, as the data set's page gives them; it calls two of them Red."""


def read(source: Lsa64Source) -> ClipTable:
    """List all 3,200 clips; ``<videos>/CCC_SSS_RRR.mp4`` is the video of sign C, signer S, repetition R.

    Every clip is listed, whether or not its video is there, so that what is missing is counted. Signers are kept apart:
    those of `source.val` and `source.test`, the others train. Other videos in the folder are noted.

    Raises
    ------
    TableError
        If the folder is missing, or holds no such video.
    """
    check_folder(source.videos)
    split_of = dict.fromkeys(source.val, "val") | dict.fromkeys(source.test, "test")
    each = list(product(range(1, len(SIGNS) + 1), range(1, LSA64_SIGNERS + 1), range(1, REPETITIONS + 1)))
    ids = [f"{sign:03}_{signer:03}_{repetition:03}" for sign, signer, repetition in each]
    rows = pd.DataFrame(
        {
            "clip_id": ids,
            "video": [f"{source.videos}/{clip_id}.mp4" for clip_id in ids],
            "label": [SIGNS[sign - 1] for sign, _, _ in each],
            "signer": [str(signer) for _, signer, _ in each],
            "split": [split_of.get(signer, "train") for _, signer, _ in each],
        }
    )
    return make_table(rows, source.videos, classes=SIGNS, notes=_notes(source.videos, {f"{one}.mp4" for one in ids}))


def _notes(folder: Path, expected: set[str]) -> list[str]:
    found = {entry.name for entry in os.scandir(folder)}
    videos = sorted(name for name in found if Path(name).suffix.lower() in VIDEO_SUFFIXES)
    if not expected & found:
        instead = f"found {name_some(videos)}" if videos else "found no video"
        raise TableError(folder, [f"expected videos named CCC_SSS_RRR.mp4, as 001_001_001.mp4, {instead}"])
    others = [name for name in videos if name not in expected]
    what = plural(
        len(others),
        "video is not named as one of the 3,200 clips and is",
        "videos are not named as one of the 3,200 clips and are",
    )
    told = f"{len(others)} {what} left out: {name_some(others)}."
    return [told] if others else []


ENTRY = SourceEntry(Lsa64Source, read)
