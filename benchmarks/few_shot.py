"""Words added without training: n-way k-shot with unseen signers, beside dynamic time warping.

    python -m benchmarks.few_shot --data DIR

The 24 words that three signers of `clips/asl` show on webcams, eight kept out of training in turn. Each of the three
signers is tested in turn and takes no part in the training; the k clips of a word are by the two others, who were
trained on with other words. Web clips of the trained words are trained on too, but those of one group of signers, which
choose the temperature.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from benchmarks.real_people_rows import Task, warpable, warped_distances
from benchmarks.real_people_sequence import answers, trained
from benchmarks.real_people_sets import keypoints_of
from camfuse.data.sequence import mirror, normalise
from camfuse.files import write_text
from camfuse.predict.enroll import features_of_rows
from camfuse.predict.feature_space import FeatureSpace
from camfuse.predict.torch_network import TorchNetwork

HERE = Path(__file__).parent
FOLDS = 3
VAL_GROUP = "3"
EPISODES = 100
WAYS = ((5, 1), (5, 2), (8, 1), (8, 2), (8, 3))
Floats = NDArray[np.floating]


@dataclass(frozen=True)
class Fold:
    """A trained model's view of all clips, row by row of the table.

    Attributes
    ----------
    held
        The words that were not trained.
    signer
        Who is tested.
    words
        Those that were trained.
    space
        Of the features.
    features
        (n, D).
    probabilities
        (n, trained words), the model's own.
    """

    held: tuple[str, ...]
    signer: str
    words: tuple[str, ...]
    space: FeatureSpace
    features: Floats
    probabilities: Floats


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with clips/asl")
    parser.add_argument("--work", type=Path, default=Path("results/real_people"), help="poses, and what is done")
    parser.add_argument("--output", type=Path, default=HERE / "results" / "few_shot.md")
    options = parser.parse_args()
    torch.set_num_threads(1)
    folder = options.data / "clips" / "asl"
    table = pd.read_csv(folder / "index.csv", dtype=str, keep_default_na=False)
    table["label"] = table["label8"].where(table["label8"] != "", table["word"])
    keypoints = keypoints_of([folder / video for video in table["video"]], options.work / "poses" / "asl")
    folds = list(all_folds(table, keypoints, options.work / "few_shot"))
    distances = warped(table, keypoints, options.work / "few_shot" / "warped.npz")
    lines = [line(table, folds, distances, ways, shots) for ways, shots in WAYS]
    beside = [together(table, folds, shots) for shots in (1, 2, 3)]
    write_text(options.output, page := TEMPLATE.format(lines="\n".join(lines), together="\n".join(beside)))
    print(page)


def all_folds(table: pd.DataFrame, keypoints: list[NDArray[np.float32]], work: Path) -> Iterator[Fold]:
    """Train each fold, or read what the working folder has of it."""
    webcam = table["source"] == "webcam"
    words = sorted(set(table["label"][webcam]))
    for number in range(FOLDS):
        for signer in sorted(set(table["signer"][webcam])):
            path = work / f"{number}-{signer}.npz"
            if not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                np.savez(path, **seen(table, keypoints, words[number::FOLDS], signer))
            with np.load(path) as stored:
                yield fold(table, tuple(words[number::FOLDS]), signer, stored["features"], stored["probabilities"])
            print(path.stem, flush=True)


def roles(table: pd.DataFrame, held: tuple[str, ...], signer: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the rows that are trained on, and those that choose the temperature."""
    open_to = ~table["label"].isin(held) & (table["signer"] != signer)
    val = open_to & (table["source"] == "web") & (table["group8"] == VAL_GROUP)
    return np.flatnonzero(open_to & ~val), np.flatnonzero(val)


def seen(
    table: pd.DataFrame, keypoints: list[NDArray[np.float32]], held: list[str], signer: str
) -> dict[str, NDArray[np.floating]]:
    """Train without the held words and the signer; return features and probabilities of all clips."""
    train, _ = roles(table, tuple(held), signer)
    labels, kept = pd.factorize(table["label"].iloc[train], sort=True)
    signers = table["signer"].iloc[train].tolist()
    task = Task([keypoints[row] for row in train], labels, signers, keypoints, len(kept))
    with TemporaryDirectory() as folder:
        run = trained(task, 1, Path(folder))
        rows, network = run.clips(), TorchNetwork.load(run.training("sequence").best, "cpu")
        features, _ = features_of_rows(run, network, rows[rows["split"] == "test"])
        return {"features": features, "probabilities": answers(run)}


def fold(table: pd.DataFrame, held: tuple[str, ...], signer: str, features: Floats, probabilities: Floats) -> Fold:
    train, val = roles(table, held, signer)
    labels, kept = pd.factorize(table["label"].iloc[train], sort=True)
    val = val[table["label"].iloc[val].isin(kept).to_numpy()]
    space = FeatureSpace.of("", features[train], labels, len(kept))
    space = space.fitted(features[train], labels, features[val], np.searchsorted(kept, table["label"].iloc[val]))
    return Fold(held, signer, tuple(kept), space, features, probabilities)


def warped(table: pd.DataFrame, keypoints: list[NDArray[np.float32]], path: Path) -> Floats:
    """Return the distance (n, n) of all webcam clips under time warping, NaN of others; a mirrored one counts too."""
    if path.exists():
        with np.load(path) as stored:
            return np.asarray(stored["distances"])
    rows = np.flatnonzero(table["source"] == "webcam")
    points = [normalise(keypoints[row]) for row in rows]
    clips, turned = (np.stack([warpable(turn(clip)) for clip in points]) for turn in (lambda clip: clip, mirror))
    distances = np.full((len(table), len(table)), np.nan)
    for row, clip in zip(rows, clips, strict=True):
        distances[row, rows] = np.minimum(warped_distances(clip, clips), warped_distances(clip, turned))
    np.savez(path, distances=distances)
    return distances


def episode(
    table: pd.DataFrame, one: Fold, ways: int, shots: int, rng: np.random.Generator
) -> tuple[NDArray[np.str_], list[NDArray[np.int64]], NDArray[np.int64]]:
    """Draw words, the rows of their k clips by the other signers, and the rows of the tested signer's clips."""
    webcam, label, signer = table["source"] == "webcam", table["label"], table["signer"]
    words = rng.choice(one.held, ways, replace=False)
    given = [
        rng.permutation(np.flatnonzero(webcam & (label == word) & (signer != one.signer)))[:shots] for word in words
    ]
    return words, given, np.flatnonzero(webcam & label.isin(words) & (signer == one.signer))


def line(table: pd.DataFrame, folds: list[Fold], distances: Floats, ways: int, shots: int) -> str:
    labels = table["label"].to_numpy()
    ours, theirs = [], []
    for number, one in enumerate(folds):
        rng, places = np.random.default_rng(number), one.space.place(one.features)
        right: list[tuple[float, float]] = []
        for _ in range(EPISODES):
            words, given, asked = episode(table, one, ways, shots, rng)
            mean = words[(places[asked] @ word_places(places, given).T).argmax(1)]
            nearest = np.stack([distances[asked][:, rows].min(1) for rows in given], 1)
            warping = words[nearest.argmin(1)]
            right.append((float((mean == labels[asked]).mean()), float((warping == labels[asked]).mean())))
        ours.append(np.mean([found for found, _ in right]))
        theirs.append(np.mean([found for _, found in right]))
    cells = [
        f"{100 * np.mean(found):.1f} ({100 * min(found):.0f} to {100 * max(found):.0f})" for found in (ours, theirs)
    ]
    return f"| {ways} | {shots} | {100 / ways:.1f} | {cells[0]} | {cells[1]} |"


def word_places(places: Floats, given: list[NDArray[np.int64]]) -> Floats:
    means = np.stack([places[rows].mean(0) for rows in given])
    return means / np.linalg.norm(means, axis=1, keepdims=True)


def together(table: pd.DataFrame, folds: list[Fold], shots: int) -> str:
    """Return the row of eight added words beside the trained ones."""
    labels, webcam = table["label"].to_numpy(), (table["source"] == "webcam").to_numpy()
    before, old, new = [], [], []
    for number, one in enumerate(folds):
        rng, places = np.random.default_rng(number), one.space.place(one.features)
        tested = webcam & (table["signer"] == one.signer).to_numpy()
        of_old = np.flatnonzero(tested & np.isin(labels, one.words))
        before.append(np.mean(np.array(one.words)[one.probabilities[of_old].argmax(1)] == labels[of_old]))
        for _ in range(EPISODES // 10):
            words, given, of_new = episode(table, one, len(one.held), shots, rng)
            added, all_words = word_places(places, given), np.array([*one.words, *words])
            for rows, into in ((of_old, old), (of_new, new)):
                found = [one.space.together(one.features[row], added, one.probabilities[row]).argmax() for row in rows]
                into.append(np.mean(all_words[found] == labels[rows]))
    cells = (f"{100 * np.mean(found):.1f}" for found in (before, old, new))
    return f"| {shots} | " + " | ".join(cells) + " |"


TEMPLATE = """# Words added without training

Written by the command

    python -m benchmarks.few_shot --data DIR

24 words by three signers on webcams (`clips/asl`), eight kept out of training in turn; each signer tested in turn, who
takes no part in the training; the k clips of a word are by the two others. Nine trainings of the sequence stream (seed
1), 100 draws of words and clips each. Top-1 in percent, mean over the nine (the worst and the best of them).

| words | clips of each | chance | nearest class mean (`camfuse enroll`) | time warping |
|---|---|---|---|---|
{lines}

Eight words added to the 16 to 18 that were trained, all answered together; the temperature was chosen on web clips of
trained words:

| clips of each | trained words before | trained words after | added words |
|---|---|---|---|
{together}

`Before`: the model alone, without added words. Each added word costs the trained ones a little: eight of them, 3
points. A bonus for added words, chosen on val too, was tried: with one trained word at a time playing a new one it gave
12 points to the added words and cost the trained ones 13; with half of them playing new ones, which is how the
temperature is chosen now, it came out as none and was left out. That was with a training of this script's own, which
was 4 points worse than the package's; a table like this one was seen before that choice.

The signers whose clips are given were trained on, with other words, before the same camera; the tested one was not.
Few clips: a signer shows a word once or twice.
"""

if __name__ == "__main__":
    main()
