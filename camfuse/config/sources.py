"""Config of the clips: where videos and labels come from."""

import re
from collections import Counter
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from camfuse.config.base import Fraction, Positive, Section, choices, chosen


def _sum_to_one(shares: tuple[float, float, float]) -> tuple[float, float, float]:
    if abs(sum(shares) - 1) > 1e-6:
        raise ValueError(f"the shares of train, val and test must sum to 1, found {sum(shares):g}")
    return shares


def _naming_signers(pattern: str) -> str:
    try:
        groups = re.compile(pattern).groups
    except re.error as error:
        raise ValueError(f"expected a regular expression, found {pattern!r}: {error}") from error
    if not groups:
        raise ValueError(f"expected a regular expression with a group ( ) that is the signer, found {pattern!r}")
    return pattern


Shares = Annotated[tuple[Fraction, Fraction, Fraction], AfterValidator(_sum_to_one)]
LSA64_SIGNERS = 10
Signer = Annotated[int, Field(ge=1, le=LSA64_SIGNERS)]
"""Number of a signer of LSA64."""
SplitBy = Literal["signer", "label"]
"""What is split into train, val and test: the signers, or the clips of each label."""


class SourceSection(Section):
    """Base of each source's section: its key in `Clips` is also the name of its reader in `camfuse/clips/sources`."""


class FolderSource(SourceSection):
    """A folder with one sub-folder per word, the videos in it."""

    videos: Path
    """Folder that holds one folder per label."""
    split: Shares = (0.7, 0.15, 0.15)
    """Shares of train, val and test, chosen by stable hashes; see `by`."""
    signer: Annotated[str, AfterValidator(_naming_signers)] | None = None
    """Regular expression that is searched in each video's path below `videos` and whose first group is the signer:
    `^[^/]+/([^/]+)/` finds anna in `hello/anna/1.mp4`, `/([a-z]+)[0-9]*[.]` in `hello/anna2.mp4`. Left out, signers are
    not known."""
    by: SplitBy | None = None
    """`signer` puts each signer wholly into train, val or test, so that the test is of people whom training never saw;
    `label` splits each label by itself, so that the same people are in all three. Left out, `signer` where every clip's
    signer is known."""


class CsvSource(SourceSection):
    """A table with columns label and video, or keypoint files in place of videos (docs/keypoints.md)."""

    table: Path
    """CSV file; start and end are in seconds from the video's first image, where a player's clock may begin with sound
    before it."""
    videos: Path = Path()
    """Folder that relative paths in the column `video` start from."""
    split: Shares = (0.7, 0.15, 0.15)
    """Shares of train, val and test where the table has no column `split`; as in `folder`."""
    by: SplitBy | None = None
    """What is split where the table has no column `split`; as in `folder`. Signers stand in the column `signer`."""


class WlaslSource(SourceSection):
    """WLASL: `WLASL_v0.3.json`, an `nslt_*.json`, or both."""

    videos: Path
    """Folder with `<video_id>.mp4`."""
    manifest: Path | None = None
    """WLASL_v0.3.json: glosses, signers, splits, segments."""
    subset: Path | None = None
    """nslt_100 / 300 / 1000 / 2000.json: which clips, classes and splits; wins over the manifest."""
    class_list: Path | None = None
    """wlasl_class_list.txt: gloss names where only `subset` is given."""
    trimmed: bool = True
    """Files hold one sign each (as the official download script and Kaggle leave them); false cuts
    `frame_start`..`frame_end` (1-based, counted at 25 per second whatever the video's own rate) out of
    the original videos."""

    @model_validator(mode="after")
    def _one_list(self) -> Self:
        if self.manifest is None and self.subset is None:
            raise ValueError("give `manifest` (WLASL_v0.3.json), `subset` (nslt_*.json) or both")
        return self


class AutslSource(SourceSection):
    """AUTSL: three label files without header and the class names."""

    videos: Path
    """Folder with `signerN_sampleM_color.mp4`, flat or in train / val / test folders."""
    train: Path
    """train_labels.csv."""
    validation: Path
    """validation_labels.csv (ground truth)."""
    test: Path
    """test_labels.csv (ground truth)."""
    class_names: Path
    """SignList_ClassId_TR_EN.csv."""


class AslCitizenSource(SourceSection):
    """ASL Citizen: `splits/train.csv`, `val.csv` and `test.csv`, and one folder of videos."""

    videos: Path
    """Folder with the files that the column `Video file` names."""
    splits: Path
    """Folder with train.csv, val.csv and test.csv (columns Participant ID, Video file, Gloss, ASL-LEX Code)."""


class Lsa64Source(SourceSection):
    """LSA64: 64 Argentinian signs by 10 signers, 5 times each; the files' names say all."""

    videos: Path
    """Folder with `CCC_SSS_RRR.mp4`: sign, signer, repetition."""
    val: tuple[Signer, ...] = (9,)
    """Numbers of the signers in val."""
    test: tuple[Signer, ...] = (10,)
    """Numbers of the signers in test; all others train."""

    @model_validator(mode="after")
    def _each_signer_once(self) -> Self:
        if repeated := sorted(signer for signer, times in Counter(self.val + self.test).items() if times > 1):
            raise ValueError(f"expected each signer once in `val` and `test` together, found {repeated} again")
        if len(self.val + self.test) == LSA64_SIGNERS:
            raise ValueError("expected a signer that is neither in `val` nor in `test`, found none to train with")
        return self


class LanguageSplits(Section):
    """Which signed languages (one signer each) belong to which split."""

    train: tuple[str, ...]
    """ISO 639-3 codes of the training languages."""
    val: tuple[str, ...]
    """ISO 639-3 codes of the validation languages."""
    test: tuple[str, ...]
    """ISO 639-3 codes of the test languages."""


class FingerspellingSource(SourceSection):
    """Recordings of signed letters inside the PyPI wheel `spoken-to-signed`; the RGB video is a drawn avatar."""

    letters: tuple[str, ...]
    """Letters to take, upper case."""
    languages: LanguageSplits
    """The signed languages, by split."""
    trim: float = Field(default=0.0, ge=0, lt=0.5)
    """Share of each recording that is left out at its start and again at its end: the hand on its way up and down."""
    avatar_height: Positive = 240
    """Height of the drawn video in pixels."""


class Clips(Section):
    """Where the clips and their labels come from: exactly one source."""

    folder: FolderSource | None = None
    """A folder per word."""
    csv: CsvSource | None = None
    """One CSV table."""
    wlasl: WlaslSource | None = None
    """WLASL-100 / 300 / 1000 / 2000."""
    autsl: AutslSource | None = None
    """AUTSL."""
    asl_citizen: AslCitizenSource | None = None
    """ASL Citizen."""
    lsa64: Lsa64Source | None = None
    """LSA64."""
    fingerspelling: FingerspellingSource | None = None
    """The demo's letters."""
    missing: Literal["stop", "drop"] = "stop"
    """A video that is not on disk stops the run, or is dropped and counted in the coverage table."""
    duplicates: Literal["report", "drop"] = "report"
    """Byte-identical recordings are reported; `drop` also keeps the first of each only."""
    leaks: Literal["report", "refuse"] = "report"
    """What a later split shares with an earlier one (the same recording, another part of the same video, a signer where
    the protocol keeps signers apart, nearly the same keypoints) is noted and stands in the report; `refuse` stops
    before anything is trained."""
    limit: int = Field(default=0, ge=0)
    """Take only the first N clips of the table that are on disk; 0 takes all."""
    shards: Positive = 16
    """Number of shards; a clip's shard is a stable hash of its id."""

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        given = chosen(self, SourceSection)
        if len(given) != 1:
            found = ", ".join(given) or "none"
            raise ValueError(f"expected exactly one of {', '.join(SOURCE_KEYS)}; found {found}")
        return self

    @property
    def key(self) -> str:
        """The key of the source that was chosen."""
        (key,) = chosen(self, SourceSection)
        return key

    @property
    def source(self) -> SourceSection:
        """Its section."""
        (section,) = chosen(self, SourceSection).values()
        return section


SOURCE_KEYS = choices(Clips, SourceSection)
"""The keys of all sources."""
