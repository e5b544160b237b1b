"""How well unknown signs are told from known ones, and how sure the sequence stream is before and after calibration.

    python -m benchmarks.unknown_signs --data DIR

`asl8`: each of four groups of signers is tested, the next one is val, two train; two of the eight words are kept out of
training, each pair in turn. Unknown are the clips of these two words by the tested signers, and the clips of 16 further
words by tested signers who were not trained on.
"""

import argparse
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmarks.real_people_rows import Task
from benchmarks.real_people_sequence import sequence_stream
from benchmarks.real_people_sets import keypoints_of
from camfuse.evaluate.confidence import Confidence, calibrate, least_threshold, measure, surest, without_own_word
from camfuse.files import write_text

HERE = Path(__file__).parent
KEPT_OUT = ((0, 4), (1, 5), (2, 6), (3, 7))
RATES = (0.1, 0.2)
Rows = NDArray[np.int64]
Found = Mapping[str, Tensor]
"""Probabilities of `val`, `test`, the kept out words of both (`val_out`, `test_out`), `other` words; labels of two."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with clips/asl")
    parser.add_argument("--work", type=Path, default=Path("results/real_people"), help="poses, and what is done")
    parser.add_argument("--output", type=Path, default=HERE / "results" / "unknown_signs.md")
    options = parser.parse_args()
    torch.set_num_threads(1)
    folds = list(trained(options.data, options.work))
    lines = [line(rate, folds, by_strangers=by) for rate in RATES for by in (True, False)]
    page = TEMPLATE.format(folds=len(folds), calibration=calibration(folds), lines="\n".join(lines))
    write_text(options.output, page)
    print(page)


def trained(data: Path, work: Path) -> Iterator[Found]:
    """Yield what the model of each fold says, from the working folder where it is there."""
    folder = data / "clips" / "asl"
    table = pd.read_csv(folder / "index.csv", dtype=str, keep_default_na=False)
    keypoints = keypoints_of([folder / video for video in table["video"]], work / "poses" / "asl")
    groups = sorted(set(table["group8"]) - {""})
    for number, group in enumerate(groups):
        for pair in KEPT_OUT:
            path = work / "unknown" / f"{group}-{pair[0]}-{pair[1]}.npz"
            if not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                np.savez(path, **fold(table, keypoints, group, groups[(number + 1) % len(groups)], pair))
            with np.load(path) as stored:
                yield {name: torch.from_numpy(stored[name]) for name in stored}
            print(path.stem, flush=True)


def fold(
    table: pd.DataFrame, keypoints: list[NDArray[np.float32]], test: str, val: str, pair: tuple[int, int]
) -> dict[str, NDArray[np.floating]]:
    """Train on the other groups without the pair of words, and return probabilities and labels."""
    words = sorted(set(table["label8"]) - {""})
    kept = [word for number, word in enumerate(words) if number not in pair]
    inside, group = table["label8"].isin(kept), table["group8"]
    out = (table["label8"] != "") & ~inside
    rows = {
        "val": inside & (group == val),
        "test": inside & (group == test),
        "val_out": out & (group == val),
        "test_out": out & (group == test),
    }
    train = np.flatnonzero(inside & ~group.isin([test, val]))
    signer = table["signer"]
    tested, seen = set(signer[rows["test"]]), set(signer.iloc[train])
    rows["other"] = (table["label8"] == "") & signer.isin(tested) & ~signer.isin(seen)

    labels = table["label8"].map({word: number for number, word in enumerate(kept)})
    chosen = {name: np.flatnonzero(where) for name, where in rows.items()}
    asked = np.concatenate(list(chosen.values()))
    task = Task(
        train=[keypoints[row] for row in train],
        labels=labels.iloc[train].to_numpy(np.int64),
        signers=signer.iloc[train].tolist(),
        test=[keypoints[row] for row in asked],
        classes=len(kept),
    )
    answers = np.split(sequence_stream(task, 1), np.cumsum([len(which) for which in chosen.values()])[:-1])
    found = dict(zip(chosen, answers, strict=True))
    return found | {f"{name}_labels": labels.iloc[chosen[name]].to_numpy(np.int64) for name in ("val", "test")}


def measured(found: Found, rate: float, strangers: str, *, by_strangers: bool) -> Confidence:
    """Return what a threshold does; it is chosen by val's kept out words, or without them."""
    plain = replace(calibrate(found["val"], found["val_labels"], false_accepts=rate), threshold=0.0)
    by = found["val_out"] if by_strangers else without_own_word(found["val"], found["val_labels"])
    chosen = replace(plain, threshold=least_threshold(surest(plain, by), rate))  # however few the clips are
    return measure(chosen, found["test"], found["test_labels"], found[strangers])


def calibration(folds: list[Found]) -> str:
    each = [measured(found, 0.1, "test_out", by_strangers=True) for found in folds]
    right = np.mean([float((one["test"].argmax(1) == one["test_labels"]).double().mean()) for one in folds])
    before, after = (np.mean([(one.calibration[i], one.loss[i]) for one in each], axis=0) for i in (0, 1))
    return (
        f"| {right:.3f} | {np.mean([one.temperature for one in each]):.2f} | {before[0]:.3f} | {after[0]:.3f} | "
        f"{before[1]:.3f} | {after[1]:.3f} | {np.mean([one.coverage_area for one in each]):.3f} |"
    )


def line(rate: float, folds: list[Found], *, by_strangers: bool) -> str:
    means = []
    for kind in ("test_out", "other"):
        each = [measured(found, rate, kind, by_strangers=by_strangers) for found in folds]
        met = [one.strangers for one in each if one.strangers]
        means += [np.mean([one.auroc for one in met]), np.mean([one.accepted for one in met])]
    answered = [one.answered for one in each]
    right = [one.answered_right for one in each if one.answered_right is not None]
    how = "val's kept out words" if by_strangers else "val's known words alone"
    cells = (*means, np.mean(answered), np.mean(right))
    return f"| {rate:.0%} | {how} | " + " | ".join(f"{cell:.3f}" for cell in cells) + " |"


TEMPLATE = """# Unknown signs, and how sure a model may be

Written by the command

    python -m benchmarks.unknown_signs --data DIR

The sequence stream on `asl8` (8 words, four groups of signers), {folds} trainings with seed 1: each group tested, the
next one val, two trained, each pair of words kept out of training in turn. Means over the trainings. Calibration is as
in `camfuse evaluate`: temperature by likelihood on val, threshold on val (`camfuse.evaluate.confidence`).

| top-1 | temperature | calibration error | after | log loss | after | area of coverage |
|---|---|---|---|---|---|---|
{calibration}

| stated | threshold chosen by | AUROC, kept out words | accepted | AUROC, other words | accepted | answered | right |
|---|---|---|---|---|---|---|---|
{lines}

`Kept out words`: 6 to 10 clips a training, of the tested signers. `Other words`: 16 that no model was trained on, by
tested signers who were not trained on. `Answered`: share of the tested clips of known words that pass the threshold.

`Right`: share of these that is recognised.

With words kept out to choose the threshold by (`train.unknown_words`; 6 to 10 clips of val here), 9 % of them pass in
the test where 10 % were stated and 16 % where 20 % were, of other words 12 and 15 %. Without any, each val clip stands
for an unknown one, its own word taken out of the answers, and two to five times the stated share passes: a model has
learnt to tell that word from the others, and has not for a word that it never saw. That is better than no threshold
and not what it says; keep words out where it matters. On words so few and a model so sure, 45 % of the known clips go
unanswered at 10 %. `camfuse evaluate`
chooses no threshold by clips as few as here: at 10 % it takes 10 of words kept out, or 30 of known ones.
"""

if __name__ == "__main__":
    main()
