"""Label files of published data sets at full size, written as their authors' are laid out."""

from collections.abc import Iterator
from itertools import product
from pathlib import Path

ASL_CITIZEN = {"train": (40_154, 35), "val": (10_304, 6), "test": (32_941, 11)}
"""Clips and signers of each split."""
GLOSSES = 2731
HEADER = "Participant ID,Video file,Gloss,ASL-LEX Code"


def asl_citizen(folder: Path) -> list[str]:
    """Write the three label files, and return the names of the videos."""
    videos: list[str] = []
    first_signer = 0
    for split, (clips, signers) in ASL_CITIZEN.items():
        lines = [HEADER]
        for number in range(clips):
            gloss = _gloss(number % GLOSSES)
            videos.append(f"{100_000_000_000 + 7919 * len(videos)}-{gloss.rstrip('12')}.mp4")
            # a CSV of the real set has codes that are NA and lines that end in CR LF
            lines.append(
                f"P{first_signer + number % signers},{videos[-1]},{gloss},{'NA' if number % 9 else 'C_01_001'}"
            )
        (folder / f"{split}.csv").write_text("\r\n".join(lines) + "\r\n", newline="")
        first_signer += signers
    return videos


def _gloss(number: int) -> str:
    """Return a gloss; every second one is a variant, as RUN1 and RUN2 are."""
    word = "".join(chr(65 + number // 2 // 26**place % 26) for place in range(3))
    return f"{word}{number % 2 + 1}"


def lsa64() -> Iterator[str]:
    """Give the names of the videos."""
    for sign, signer, repetition in product(range(1, 65), range(1, 11), range(1, 6)):
        yield f"{sign:03}_{signer:03}_{repetition:03}.mp4"
