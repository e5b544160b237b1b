"""The sub-commands of the data stages, in their order."""

from pathlib import Path
from typing import Annotated

import typer

from camfuse.cli.options import ConfigFile, LogFile, Output, ShardClips, app, start
from camfuse.run.layout import Run


@app.command()
def clips(config: ConfigFile, log_file: LogFile = None) -> None:
    """Read the label files, look which videos are there, write the clip table and what is missing."""
    settings = start(config, log_file, recipe=False)
    from camfuse.clips.label_files import plural
    from camfuse.clips.refresh import refresh
    from camfuse.run.going import hold
    from camfuse.run.trainable import training_problems

    with hold(settings.output):
        table = refresh(settings, log_notes=False)
    for note in table.notes:
        typer.echo(note)
    for problem in training_problems(settings, table.rows, table.classes):
        typer.echo(f"A training would stop here: {problem}.")
    clips, classes = len(table.rows), len(table.classes)
    counted = f"{clips} {plural(clips, 'clip', 'clips')} of {classes} {plural(classes, 'class', 'classes')}"
    typer.echo(f"{counted}: {Run(settings).clip_files.clips}")


@app.command()
def avatars(config: ConfigFile, clips: ShardClips, output: Output, log_file: LogFile = None) -> None:
    """Draw the demo's videos from recorded landmarks (only for `clips.fingerspelling`)."""
    settings = start(config, log_file)
    from camfuse.demo.avatars import draw_avatars

    draw_avatars(settings, clips, output)


@app.command()
def frames(config: ConfigFile, clips: ShardClips, output: Output, log_file: LogFile = None) -> None:
    """Decode every frame of the clips' segments into JPEGs with their true times."""
    settings = start(config, log_file)
    from camfuse.prep.frames import extract_frames

    extract_frames(settings, clips, output)


@app.command()
def pose(
    config: ConfigFile,
    clips: ShardClips,
    frames: Annotated[Path, typer.Option(help="The shard's frames.")],
    output: Output,
    log_file: LogFile = None,
) -> None:
    """Estimate the 133 whole-body keypoints; clips that `output` already holds unchanged are reused."""
    settings = start(config, log_file)
    from camfuse.prep.pose.run import estimate_poses

    estimate_poses(settings, clips, frames, output, previous=output)


@app.command()
def crops(
    config: ConfigFile,
    clips: ShardClips,
    frames: Annotated[Path, typer.Option(help="The shard's frames.")],
    pose: Annotated[Path, typer.Option(help="The shard's keypoints.")],
    output: Output,
    log_file: LogFile = None,
) -> None:
    """Zero the lower body and crop one square box per clip, pixels and keypoints alike."""
    settings = start(config, log_file)
    from camfuse.prep.crops import crop_clips

    crop_clips(settings, clips, frames, pose, output)


@app.command()
def heatmaps(
    config: ConfigFile,
    clips: ShardClips,
    crops: Annotated[Path, typer.Option(help="The shard's crops.")],
    output: Output,
    log_file: LogFile = None,
) -> None:
    """Render one Gaussian per keypoint at a quarter of the crop's size."""
    settings = start(config, log_file)
    from camfuse.prep.heatmaps import render_heatmaps

    render_heatmaps(settings, clips, crops, output)
