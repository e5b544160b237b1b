"""The report: one HTML page that needs no network, made from the run's files alone.

Where a part of the run is not there yet, the page says so; a damaged file is an error. The same files give the
same bytes. Labels and file names are untrusted text: Jinja2 escapes all of them, and the page's own policy lets nothing
load and no script run, but with many classes the package's own, by its hash (``explore.js``).
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined

import camfuse
from camfuse.clips.labels import natural_order
from camfuse.config import Config, Part, Section, dump_config
from camfuse.evaluate.result_text import percent
from camfuse.evaluate.results import Results, read_results
from camfuse.evaluate.rows import HEADLINES, TITLES
from camfuse.files import write_text
from camfuse.report.classes import Classes, Prediction, describe_classes, read_predictions
from camfuse.report.comparison import ablation_table, experiment_table
from camfuse.report.confidence import RowCharts, confidence_charts, confidence_table, describe_confidence
from camfuse.report.coverage import coverage_tables, duplicate_table, read_notes, split_table
from camfuse.report.curves import PARTS, Curves, read_curves
from camfuse.report.detection import Detection, describe_detection
from camfuse.report.examples import Example, draw_clips, draw_examples
from camfuse.report.forecast import forecast_table
from camfuse.report.leaks import leaks_table
from camfuse.report.outcome import describe_missing, describe_results, describe_signers, result_table
from camfuse.report.pairs import Pair, draw_pairs
from camfuse.report.prepared import (
    Shards,
    failed_table,
    identity_table,
    left_out_clips,
    noted_table,
    open_shards,
    stage_table,
    time_table,
)
from camfuse.report.reference import reference_table
from camfuse.report.signers import Signers, describe_people
from camfuse.report.tables import Table, check_fingerprint
from camfuse.run.layout import Run

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Tile:
    """One number at the head of the page."""

    name: str
    value: str
    unit: str = ""


@dataclass(frozen=True)
class Page:
    """Everything that the template shows; None or empty where the run has none of it."""

    title: str
    lead: str
    version: str
    fingerprint: str
    tiles: Sequence[Tile]
    results: Table | None
    reference: Table | None
    results_note: str
    results_signers: str
    results_missing: str
    confidence: Table | None
    confidence_note: str
    reliability: Sequence[RowCharts]
    people: Signers | None
    experiments: Table | None
    ablation: Table | None
    ablation_note: str
    curves: Sequence[Curves]
    curves_missing: Sequence[str]
    classes: Classes | None
    pairs: Sequence[Pair]
    pairs_note: str
    examples: Sequence[Example]
    examples_note: str
    attention: Sequence[Example]
    saliency: Sequence[Example]
    splits: Table | None
    coverage: Table | None
    uncovered: Table | None
    duplicates: Table | None
    leaks: Table | None
    notes: Sequence[str]
    failed: Table
    noted: Table
    detection: Detection | None
    stages: Table
    times: Table | None
    forecast: Table | None
    identities: Table
    settings: str


def write_report(run: Run, output: Path) -> None:
    """Write the page of a run.

    Parameters
    ----------
    run
        The run; its files are read.
    output
        The HTML file to write.

    Raises
    ------
    TableError
        If a table of the run is damaged.
    ShardError
        If a shard is damaged or was made with another config.
    """
    text = render(gather(run))
    write_text(output, text)
    log.info("%s: %.1f MB", output, len(text.encode()) / 1e6)


def gather(run: Run) -> Page:
    """Read all that the run has until now."""
    config, files = run.config, run.clip_files
    shards = open_shards(run)
    clips = run.clips() if files.clips.is_file() else None
    results = _read_results(run)
    predictions = read_predictions(run.evaluation.predictions)
    labels = run.classes() if files.classes.is_file() else None
    curves = {part: read_curves(run, part) for part in config.model.parts}
    ready, absent = _ready(config, shards)
    examples, examples_note = _examples(run, ready, absent, predictions)
    pairs, pairs_note = draw_pairs(run, predictions or [], clips, ready)
    ablation, ablation_note = ablation_table(run)
    coverage, uncovered = coverage_tables(files) or (None, None)
    return Page(
        title=config.report.title,
        lead=_lead(config, clips),
        version=camfuse.__version__,
        fingerprint=run.fingerprint("report"),
        tiles=_tiles(results, clips),
        results=result_table(results) if results else None,
        reference=reference_table(config.clips, results.classes) if results else None,
        results_note=describe_results(results) if results else "",
        results_signers=describe_signers(results) if results else "",
        results_missing=describe_missing(results) if results else "",
        confidence=confidence_table(results) if results else None,
        confidence_note=describe_confidence(results) if results else "",
        reliability=confidence_charts(results) if results else [],
        people=describe_people(results) if results else None,
        experiments=experiment_table(run),
        ablation=ablation,
        ablation_note=ablation_note,
        curves=[found for found in curves.values() if found],
        curves_missing=[f"{PARTS[part]}: not trained yet." for part, found in curves.items() if not found],
        classes=_classes(predictions, labels),
        pairs=pairs,
        pairs_note=pairs_note,
        examples=examples,
        examples_note=examples_note,
        attention=_attention(run, examples),
        saliency=_saliency(run, examples),
        splits=None if clips is None else split_table(clips, left_out_clips(shards)),
        coverage=coverage,
        uncovered=uncovered,
        duplicates=duplicate_table(files),
        leaks=leaks_table(run),
        notes=read_notes(files),
        failed=failed_table(shards),
        noted=noted_table(shards),
        detection=describe_detection(shards["pose"]),
        stages=stage_table(run, shards),
        times=_times(run, clips, results, curves),
        forecast=forecast_table(run),
        identities=identity_table(run, shards),
        settings=dump_config(config),
    )


def render(page: Page) -> str:
    """Fill the template."""
    environment = Environment(
        loader=PackageLoader("camfuse.report", package_path=""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template("template.html").render(page=page)


def _lead(config: Config, clips: pd.DataFrame | None) -> str:
    source = next(name for name in type(config.clips).model_fields if isinstance(getattr(config.clips, name), Section))
    estimator = next(name for name in type(config.pose).model_fields if getattr(config.pose, name))
    counted = (
        f"{len(clips):,} clips of {clips['label'].nunique():,} classes" if clips is not None else "no clip table yet"
    )
    return f"Source: {source}, {counted}. Keypoints: {estimator}. Seed {config.seed}."


def _read_results(run: Run) -> Results | None:
    results = read_results(run.evaluation)
    if results:
        check_fingerprint(run.evaluation.results, expected=run.fingerprint("evaluate"), found=results.fingerprint)
    return results


def _times(
    run: Run, clips: pd.DataFrame | None, results: Results | None, curves: Mapping[Part, Curves | None]
) -> Table | None:
    seen = {} if clips is None else {str(shard): int(n) for shard, n in clips["shard"].value_counts().items()}
    seen |= {"evaluate": results.rows[results.main].clips} if results else {}
    speeds = {f"train_{part}": found.speed for part, found in curves.items() if found}
    return time_table(run.benchmarks, seen, speeds)


def _tiles(results: Results | None, clips: pd.DataFrame | None) -> list[Tile]:
    rows = results.rows if results else {}
    tiles = [Tile(f"{TITLES[name]} top-1", percent(rows[name].top[1]), "%") for name in HEADLINES if name in rows]
    if results and results.missing.count:
        tiles.append(Tile(f"Missing {results.split} clips", f"{results.missing.count:,}"))
    if clips is not None:
        signers = clips["signer"][clips["signer"] != ""].nunique()
        tiles += [Tile("Clips", f"{len(clips):,}"), Tile("Classes", f"{clips['label'].nunique():,}")]
        tiles += [Tile("Signers", f"{signers:,}")] if signers else []
    return tiles


def _classes(predictions: Sequence[Prediction] | None, labels: Sequence[str] | None) -> Classes | None:
    if not predictions:
        return None
    found = {label for p in predictions for label in (p.label, p.predicted)}
    return describe_classes(predictions, labels or sorted(found, key=natural_order))


def _attention(run: Run, examples: Sequence[Example]) -> Sequence[Example]:
    """Draw where the fusion looks in the examples, if the model has one, once it is trained."""
    if not examples or "fusion" not in run.config.model.parts or not run.training("fusion").best.is_file():
        return []
    from camfuse.report.attention import draw_attention  # torch, which the rest of the page does without

    return draw_attention(run, [example.clip_id for example in examples])


def _saliency(run: Run, examples: Sequence[Example]) -> Sequence[Example]:
    """Draw what the sequence stream's answers rest on in the examples, once it is trained."""
    if not examples or run.config.model.sequence is None or not run.training("sequence").best.is_file():
        return []
    from camfuse.report.saliency import draw_saliency  # torch, which the rest of the page does without

    return draw_saliency(run, [example.clip_id for example in examples])


def _ready(config: Config, shards: Shards) -> tuple[set[str], str]:
    """Return the clips that went all the way to what a clip is drawn from; without any, the stages that lack them."""
    needed = _drawn_from(config)
    have = [{clip_id for shard in shards[stage] for clip_id in shard} for stage in needed]
    absent = [stage for stage, clips in zip(needed, have, strict=True) if not clips]
    return set.intersection(*have), ", ".join(absent) or f"all of {', '.join(needed)}"


def _examples(
    run: Run, ready: set[str], absent: str, predictions: Sequence[Prediction] | None
) -> tuple[Sequence[Example], str]:
    if not run.config.report.examples:
        return [], "None asked for: report.examples is 0."
    if not ready:
        return [], f"No clip can be drawn yet: no clip in {absent}."
    known = "Left hand orange, right hand blue, body green, face yellow; the white square is the crop."
    if run.config.heatmaps.hands:
        known += (
            " The maps of the hands are drawn about each hand's own middle and zoomed, as the pose stream is given "
            "them: they lie on no crop and stand on dark ground."
        )
    if predictions is None:
        return draw_clips(run, ready), f"{known} The clips are picked by a hash of their id."
    drawn = draw_examples(run, [p for p in predictions if p.clip_id in ready])
    how = "Test clips, picked by a hash of their id: half of them recognised, half not, as far as there are so many."
    return drawn, f"{known} {how}"


def _drawn_from(config: Config) -> tuple[str, ...]:
    """Return the stages that an example is drawn from; a run makes only what its model's streams read."""
    if config.model.streams == ("sequence",):
        return ("frames", "pose")
    on_crops = ("crops", "heatmaps") if config.model.pose else ("crops",)
    return ("frames", "pose", *on_crops) if config.frames.keep else on_crops
