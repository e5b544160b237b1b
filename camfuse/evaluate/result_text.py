"""The result table and what belongs to it as text, without loading a model."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence

from camfuse.clips.label_files import name_some
from camfuse.clips.labels import natural_order
from camfuse.evaluate.confidence import Confidence
from camfuse.evaluate.results import Results
from camfuse.evaluate.rows import TITLES
from camfuse.predict.calibration import clips_needed
from camfuse.run.stages import STAGES

NONE = "-"
"""Stands where there is no number."""
CONFIDENCE_HEAD = (
    "model",
    "temperature",
    "calibration error",
    "log loss",
    "area of coverage",
    "threshold",
    "answered",
    "of these right",
    "AUROC of unknown words",
    "of these accepted",
)


def percent(share: float) -> str:
    """Write a share of 1 as a percentage, the way the paper's tables do."""
    return f"{100 * share:.2f}" if math.isfinite(share) else NONE


def result_caption(results: Results) -> str:
    """Say what the table shows."""
    return f"Accuracy on the {results.rows[results.main].clips:,} clips of {results.split}, in %"


def result_cells(results: Results) -> list[tuple[str, ...]]:
    """Return the table's head and rows as text: per instance and per class as the data set papers have them."""
    ks = sorted({k for score in results.rows.values() for k in score.top})
    names = [f"top-{k}" for k in ks]
    head = ("model", *names, *(f"class {name}" for name in names), "95 % interval of top-1", "calibration error")
    rows = [
        (
            TITLES.get(name, name),
            *(percent(score.top.get(k, math.nan)) for k in ks),
            *(percent(score.class_top.get(k, math.nan)) for k in ks),
            f"{percent(score.interval[0])} to {percent(score.interval[1])}",
            percent(score.calibration),
        )
        for name, score in results.rows.items()
    ]
    return [head, *rows]


def confidence_caption(results: Results) -> str:
    """Say what the table of confidence shows."""
    main = results.confidence[results.main]
    meant = f"threshold meant for {main.false_accepts:.0%} of unknown signs"
    if not main.threshold:
        meant = f"no threshold: for {main.false_accepts:.0%} of unknown signs it takes {_clips_needed(main)} or more"
    return (
        f"Confidence on the {results.rows[results.main].clips:,} clips of {results.split}, calibrated on val; {meant}"
    )


def _clips_needed(main: Confidence) -> str:
    of = "unknown words in val (train.unknown_words)" if main.strangers else "val"
    return f"{clips_needed(main.false_accepts, estimated=main.strangers is None)} clips of {of}"


def confidence_cells(results: Results) -> list[tuple[str, ...]]:
    """Return the head and rows, as text, of what the calibration does; empty where nothing was calibrated."""
    if not results.confidence:
        return []
    rows = [(TITLES.get(name, name), *_confidence_row(one)) for name, one in results.confidence.items()]
    met = any(one.strangers for one in results.confidence.values())
    return [row if met else row[:-2] for row in (CONFIDENCE_HEAD, *rows)]


def _confidence_row(one: Confidence) -> tuple[str, ...]:
    strangers = (NONE, NONE)
    if one.strangers:
        strangers = (percent(one.strangers.auroc), percent(one.strangers.accepted))
    return (
        f"{one.temperature:.2f}",
        " to ".join(percent(value) for value in one.calibration),
        " to ".join(f"{value:.3f}" for value in one.loss),
        percent(one.coverage_area),
        f"{one.threshold:.3f}" if one.threshold else NONE,
        percent(one.answered),
        NONE if one.answered_right is None else percent(one.answered_right),
        *strangers,
    )


def result_text(results: Results) -> str:
    """Return the result tables as lines of text, for the command line and the log."""
    table = [result_caption(results), *_aligned_table(result_cells(results))]
    said = [*signers_text(results), *weights_text(results), *missing_text(results), *untrained_text(results)]
    if results.confidence:
        said += ["", confidence_caption(results), *_aligned_table(confidence_cells(results))]
    return "\n".join([*table, *said])


def _aligned_table(lines: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(cell) for cell in column) for column in zip(*lines, strict=True)]
    first, *others = (_aligned(line, widths) for line in lines)
    return [first, "-" * len(first), *others]


def _aligned(cells: Sequence[str], widths: Sequence[int]) -> str:
    numbers = (cell.rjust(width) for cell, width in zip(cells[1:], widths[1:], strict=True))
    return "  ".join([cells[0].ljust(widths[0]), *numbers])


def signers_text(results: Results) -> list[str]:
    """Say in a sentence whether the tested people were trained on; empty where the file is of an earlier version."""
    found = results.signers
    if found is None:
        return []
    clips = f"clips of {results.split}"
    total = f"{found.unseen + found.seen + found.unknown:,}"
    untested = "how well new people are recognised is not tested here"
    alone = {
        "unseen": f"All {total} {clips} are of people whom training never saw.",
        "seen": f"All {total} {clips} are of people who are in training too: {untested}.",
        "unknown": f"Whether the {total} {clips} are of people who are in training too is not known: {untested}.",
    }
    if one := found.of_all():
        return [alone[one]]
    counts = {
        "of people whom training never saw": found.unseen,
        "of people who are in training too": found.seen,
        "of people of whom that is not known": found.unknown,
    }
    return [f"Of the {total} {clips}, {', '.join(f'{count:,} are {of}' for of, count in counts.items() if count)}."]


def weights_text(results: Results) -> list[str]:
    """Say in a sentence per row how its probabilities were weighted."""
    how = "chosen on val" if results.tuned else "as configured"
    return [
        f"{TITLES[row]}: {', '.join(f'{head} x {weight:g}' for head, weight in weights.items())}, {how}."
        for row, weights in results.weights.items()
    ]


def missing_text(results: Results) -> list[str]:
    """Say how many clips could not be tested and what the numbers are if these count as wrong; empty without any."""
    missing = results.missing
    if not missing.count:
        return []
    stages = Counter(why.stage for why in missing.left_out.values())
    why = [f"{stages[stage]:,} left out by stage {stage}" for stage in STAGES if stage in stages]
    why += [f"{missing.not_on_disk:,} not on disk"] if missing.not_on_disk else []
    return [
        f"Missing, and in none of these numbers: {missing.count:,} of {_all(results):,} clips of {results.split} "
        f"({', '.join(why)}).",
        f"Counted as wrong, top-1 in %: {_of_all(results, 1)}.",
    ]


def untrained_text(results: Results) -> list[str]:
    """Say which tested words had no clip in training, and so are right by chance alone; empty without any."""
    clips = sum(results.untrained.values())
    if not clips:
        return []
    words = name_some(sorted(results.untrained, key=natural_order))
    return [
        f"{clips:,} of {results.rows[results.main].clips:,} clips of {results.split} are of words of which no training "
        f"clip could be used, so they are right by chance at best: {words}."
    ]


def _all(results: Results) -> int:
    return results.rows[results.main].clips + results.missing.count


def _of_all(results: Results, k: int) -> str:
    return ", ".join(f"{TITLES.get(name, name)} {percent(one.top_of_all[k])}" for name, one in results.rows.items())


def metric_text(results: Results, metric: str) -> str:
    """Return what a metric of the base code's name says of the main row, in a line.

    Parameters
    ----------
    results
        Of the test.
    metric
        ``top_k_accuracy`` or ``mean_class_accuracy``.
    """
    row = results.rows[results.main]
    counted = f"; with {results.missing.count:,} missing clips counted as wrong " if results.missing.count else ""
    if metric == "top_k_accuracy":
        counted += f"{_by_k(row.top_of_all)} %" if counted else ""
        return f"top_k_accuracy: {_by_k(row.top)} %{counted}"
    counted += f"{percent(row.class_top_of_all[1])} %" if counted else ""
    return (
        f"mean_class_accuracy: {percent(row.class_accuracy_union)} % as PYSKL and MMAction2 count it, "
        f"{percent(row.class_top[1])} % over the classes that have clips{counted}"
    )


def _by_k(shares: Mapping[int, float]) -> str:
    return ", ".join(f"top-{k} {percent(share)}" for k, share in sorted(shares.items()))
