"""The results of a test, and the one form that they have in files: ``results.json`` and ``results.csv``."""

import json
import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import pandas as pd

from camfuse.clips.signers import SignerCounts
from camfuse.config import Part
from camfuse.errors import TableError, WeightsError
from camfuse.evaluate.confidence import Confidence
from camfuse.evaluate.reliability import Reliability
from camfuse.evaluate.signers import SignerScore
from camfuse.files import write_text
from camfuse.run.layout import EvaluationFiles, Run
from camfuse.run.shard import LeftOut

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Score:
    """The numbers of one row of the result table, all but `clips` shares of 1.

    Attributes
    ----------
    clips
        Tested clips.
    top
        Accuracy by k, per instance: every clip counts the same.
    interval
        Wilson's 95 % interval of top-1.
    class_top
        Accuracy by k, per class: the mean over the classes that have clips. At 1 it is the mean class accuracy.
    class_accuracy_union
        Mean class accuracy as PYSKL and MMAction2 count it: classes that are only predicted count 0.
    calibration
        Expected calibration error.
    top_of_all, class_top_of_all
        As `top` and `class_top`, with the missing clips (`Missing`) counted as wrong.
    """

    clips: int
    top: Mapping[int, float]
    interval: tuple[float, float]
    class_top: Mapping[int, float]
    class_accuracy_union: float
    calibration: float
    top_of_all: Mapping[int, float]
    class_top_of_all: Mapping[int, float]

    def numbers(self) -> dict[str, float]:
        """Return the numbers over the tested clips, as the files name them."""
        low, high = self.interval
        first, *more = self.top
        return {
            "n": self.clips,
            f"top{first}": self.top[first],
            f"top{first}_low": low,
            f"top{first}_high": high,
            **{f"top{k}": self.top[k] for k in more},
            "mean_class_accuracy": self.class_top[first],
            "mean_class_accuracy_union": self.class_accuracy_union,
            **{f"mean_class_top{k}": self.class_top[k] for k in more},
            "ece": self.calibration,
        }

    def numbers_of_all(self) -> dict[str, float]:
        """Return the numbers that count the missing clips as wrong, as the files name them."""
        return {f"top{k}_of_all": share for k, share in self.top_of_all.items()} | {
            f"{_class_name(k)}_of_all": share for k, share in self.class_top_of_all.items()
        }

    @classmethod
    def parse(cls, row: Mapping[str, Any]) -> "Score":
        """Take the numbers out of a row of a file; a plain KeyError or ValueError where something is amiss."""
        top, class_top = _by_k(row, "top"), _by_k(row, "mean_class_top")
        # files of earlier versions say nothing of missing clips
        return cls(
            clips=int(row["n"]),
            top=top,
            interval=(float(row["top1_low"]), float(row["top1_high"])),
            class_top={1: float(row["mean_class_accuracy"])} | class_top,
            class_accuracy_union=float(row["mean_class_accuracy_union"]),
            calibration=float(row["ece"]),
            top_of_all=_by_k(row, "top", "_of_all") or top,
            class_top_of_all={1: float(row.get("mean_class_accuracy_of_all", row["mean_class_accuracy"]))}
            | (_by_k(row, "mean_class_top", "_of_all") or class_top),
        )


def _class_name(k: int) -> str:
    return "mean_class_accuracy" if k == 1 else f"mean_class_top{k}"


def _by_k(row: Mapping[str, Any], name: str, end: str = "") -> dict[int, float]:
    return {int(found[1]): float(row[key]) for key in row if (found := re.fullmatch(rf"{name}(\d+){end}", key))}


@dataclass(frozen=True)
class Missing:
    """The clips of the tested split that could not be tested.

    Attributes
    ----------
    left_out
        The clips that a stage could not process (`bad_clips: skip`), and why.
    not_on_disk
        How many clips of the label files are not on disk; None where that is not known.
    """

    left_out: Mapping[str, LeftOut]
    not_on_disk: int | None

    @property
    def count(self) -> int:
        """How many are known to be missing."""
        return len(self.left_out) + (self.not_on_disk or 0)


@dataclass(frozen=True)
class CheckpointFacts:
    """Which checkpoint was tested: its epoch, its training's fingerprint, its number of parameters."""

    epoch: int
    fingerprint: str
    parameters: int


@dataclass(frozen=True)
class Results:
    """What a test found, and under what.

    Attributes
    ----------
    split
        Tested clips.
    samplings
        Samplings per clip.
    classes
        Number of classes.
    weights
        Of the probabilities behind the rows `fused` and `late`, by head or stream, as far as there are these rows.
    tuned
        Whether the weights were chosen on val.
    main
        The row that ``confusion.csv`` and the top classes of ``predictions.csv`` belong to.
    rows
        By name, in the order of `camfuse.evaluate.rows.TITLES`.
    checkpoints
        The tested ones, by part.
    fingerprint
        Of the evaluation.
    seed
        Of the run.
    missing
        The clips that could not be tested.
    untrained
        How many tested clips each word has that no training clip was left of; empty in files of earlier versions.
    confidence
        What the calibration on val does, by row; empty where there is no val.
    signers
        How many tested clips are of people who were trained on; None in files of earlier versions.
    by_signer
        What is right by signer; empty where no tested clip has one, and in files of earlier versions.
    reliability
        The curves of confidence, by row; empty in files of earlier versions.
    """

    split: str
    samplings: int
    classes: int
    weights: Mapping[str, Mapping[str, float]]
    tuned: bool
    main: str
    rows: Mapping[str, Score]
    checkpoints: Mapping[Part, CheckpointFacts]
    fingerprint: str
    seed: int
    missing: Missing
    untrained: Mapping[str, int] = field(default_factory=dict)
    confidence: Mapping[str, Confidence] = field(default_factory=dict)
    signers: SignerCounts | None = None
    by_signer: Sequence[SignerScore] = ()
    reliability: Mapping[str, Reliability] = field(default_factory=dict)

    def records(self) -> list[dict[str, Any]]:
        """Return the rows as the files have them: ``row``, the numbers, what is missing, the numbers of all clips."""
        missing = {"left_out": len(self.missing.left_out), "not_on_disk": self.missing.not_on_disk}
        return [
            {"row": name, **score.numbers(), **missing, **score.numbers_of_all()} for name, score in self.rows.items()
        ]

    def content(self) -> dict[str, Any]:
        """Return what ``results.json`` holds, as plain values."""
        left_out = [{"clip_id": clip_id, **asdict(why)} for clip_id, why in self.missing.left_out.items()]
        return {
            "split": self.split,
            "samplings": self.samplings,
            "classes": self.classes,
            "weights": {row: dict(weights) for row, weights in self.weights.items()},
            "tuned": self.tuned,
            "main": self.main,
            "rows": self.records(),
            "checkpoints": {part: asdict(checkpoint) for part, checkpoint in self.checkpoints.items()},
            "fingerprint": self.fingerprint,
            "seed": self.seed,
            "missing": {"left_out": left_out, "not_on_disk": self.missing.not_on_disk},
            "untrained": dict(self.untrained),
            "confidence": {row: one.content() for row, one in self.confidence.items()},
            "signers": None if self.signers is None else asdict(self.signers),
            "by_signer": [asdict(one) for one in self.by_signer],
            "reliability": {row: one.content() for row, one in self.reliability.items()},
        }

    @classmethod
    def parse(cls, content: Mapping[str, Any]) -> "Results":
        """Take the results out of `content`; a plain KeyError, TypeError or ValueError where something is amiss."""
        missing = content.get("missing", {"left_out": [], "not_on_disk": None})
        return cls(
            split=str(content["split"]),
            samplings=int(content["samplings"]),
            classes=int(content["classes"]),
            weights={
                str(row): {str(head): float(weight) for head, weight in weights.items()}
                for row, weights in content["weights"].items()
            },
            tuned=bool(content["tuned"]),
            main=str(content["main"]),
            rows={str(row["row"]): Score.parse(row) for row in content["rows"]},
            checkpoints={part: CheckpointFacts(**facts) for part, facts in content["checkpoints"].items()},
            fingerprint=str(content["fingerprint"]),
            seed=int(content["seed"]),
            missing=Missing(
                {str(one["clip_id"]): LeftOut(one["stage"], one["reason"]) for one in missing["left_out"]},
                None if missing["not_on_disk"] is None else int(missing["not_on_disk"]),
            ),
            # files of earlier versions have none of these
            untrained={str(word): int(count) for word, count in content.get("untrained", {}).items()},
            confidence={str(row): Confidence.parse(one) for row, one in content.get("confidence", {}).items()},
            signers=SignerCounts(**content["signers"]) if content.get("signers") else None,
            by_signer=tuple(SignerScore(**one) for one in content.get("by_signer", ())),
            reliability={str(row): Reliability.parse(one) for row, one in content.get("reliability", {}).items()},
        )


def write_results(results: Results, files: EvaluationFiles) -> None:
    """Write ``results.json``, and its rows alone as ``results.csv``."""
    write_text(files.results, as_json(results.content()))
    write_text(files.table, pd.DataFrame(results.records()).to_csv(index=False, lineterminator="\n"))


def as_json(content: Mapping[str, Any]) -> str:
    """Return plain values as the text of a JSON file."""
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def read_results(files: EvaluationFiles) -> Results | None:
    """Read ``results.json``; None where there is no evaluation.

    Raises
    ------
    TableError
        If the file is damaged.
    """
    path = files.results
    if not path.is_file():
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        results = Results.parse(content) if content["rows"] else None
    except json.JSONDecodeError as error:
        raise TableError(path, [f"expected JSON, found: {error}"]) from error
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        problem = f"expected split, main, rows, ... of an evaluation; found otherwise: {error!r}"
        raise TableError(path, [problem]) from error
    if results is None:
        raise TableError(path, ["expected at least one row, found none"])
    return results


def warn_of_another(run: Run, results: Results) -> None:
    """Say in the log where the results are of another config, version or clip table, or where nobody can know."""
    if run.clip_files.changed_since(run.evaluation.results):
        log.warning("%s: clips have changed since the test; run the workflow to renew it", run.output)
    try:
        same = results.fingerprint == run.fingerprint("evaluate")
    except WeightsError as error:  # the results are there all the same
        log.warning("%s: the test cannot be compared with the config: %s", run.output, error)
        return
    if not same:
        log.warning("%s: the test is of another config or version; run the workflow to renew it", run.output)
