"""The sub-commands that use a trained model."""

import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TextIO

import typer

from camfuse.cli.options import app
from camfuse.errors import ConfigError

if TYPE_CHECKING:
    from camfuse.predict.recognise import TrainedModel
    from camfuse.predict.written import Format

SOME_FAILED = 3
"""Exit code where some videos have no answer."""

Model = Annotated[Path, typer.Argument(help="A run's folder, a best.ckpt, or an exported file.")]
Trained = Annotated[Path, typer.Argument(help="A run's folder, or a best.ckpt.")]
Named = Annotated[
    str | None,
    typer.Option("--estimator", help="What makes the keypoints; left out, what the model was trained with."),
]
Other = Annotated[
    bool,
    typer.Option("--other-estimator", help="Take that estimator though the model was trained with another one."),
]
Device = Annotated[Literal["auto", "cpu", "cuda"], typer.Option(help="Where the model runs.")]


@app.command()
def predict(
    model: Model,
    videos: Annotated[
        list[str] | None,
        typer.Argument(
            help="Videos, `.pose` files of keypoints, folders of videos, or patterns in quotes.", show_default=False
        ),
    ] = None,
    camera: Annotated[
        int | None, typer.Option(min=0, help="Answer what this camera sees, until Ctrl-C; 0 is the first one.")
    ] = None,
    live: Annotated[
        bool, typer.Option("--live", help="Play one video at its own speed, as if a camera saw it.")
    ] = False,
    form: Annotated[
        Literal["table", "csv", "jsonl"], typer.Option("--format", help="For people, or for programs.")
    ] = "table",
    top: Annotated[int, typer.Option(min=1, help="Words for each sign.")] = 5,
    output: Annotated[Path | None, typer.Option(help="Write there instead of to the screen.")] = None,
    save: Annotated[
        Path | None,
        typer.Option(help="Also draw skeleton, crop box and words: an .mp4 for one video, a folder for several."),
    ] = None,
    whole: Annotated[
        bool, typer.Option("--whole", help="Each video is one sign from beginning to end; do not look for signs.")
    ] = False,
    only_enrolled: Annotated[
        bool, typer.Option("--only-enrolled", help="Answer with enrolled words alone, not with those of the training.")
    ] = False,
    estimator: Named = None,
    other_estimator: Other = False,
    device: Device = "auto",
) -> None:
    """Say what is signed in videos: the most probable words of each.

    A video that cannot be answered has a line with its reason; the exit code is 0 if every video has an answer, 3 if
    some have none, and 2 if nothing could begin.
    """
    from camfuse.config.estimators import names_keypoints
    from camfuse.files import check_targets
    from camfuse.predict.estimator import FILES
    from camfuse.predict.many import predict_many
    from camfuse.predict.network import find_model
    from camfuse.predict.recognise import TrainedModel
    from camfuse.predict.videos import find_videos
    from camfuse.predict.written import header, written
    from camfuse.show.answered import drawing_of, save_answered

    if camera is not None or live:
        _check_live(videos or [], camera, save, whole)
    found = [] if camera is not None else find_videos(videos or [])
    if not found and camera is None:
        raise ConfigError(f"expected at least one video, found none in {', '.join(videos or ['what was given'])}")
    if output is not None:
        check_targets("--output", [output], [*found, find_model(model)])
    if estimator is None and found and all(map(names_keypoints, found)):
        estimator = FILES
    places = {video: drawing_of(video, save, found) for video in found} if save else {}
    failed = 0
    with (
        TrainedModel.load(
            model,
            estimator=estimator,
            other_estimator=other_estimator,
            device=device,
            only_enrolled=only_enrolled,
        ) as trained,
        _opened(output) as to,
    ):
        if note := trained.facts.calibration.missing:
            typer.echo(note, err=True)
        to.write(header(form, live=camera is not None or live))
        if camera is not None or live:
            _answer_live(trained, found[0] if live else None, camera, form, top, to)
            return
        for outcome in predict_many(trained, found, whole=whole):
            to.write(written(outcome, form, top))
            to.flush()
            failed += outcome.answer is None
            if outcome.answer and outcome.observed and save:
                save_answered(outcome.observed, outcome.answer, trained.config.crops, places[outcome.video])
    if failed:
        typer.echo(f"{failed} of {len(found)} videos have no answer", err=True)
        raise typer.Exit(SOME_FAILED)


def _check_live(videos: list[str], camera: int | None, save: Path | None, whole: bool) -> None:
    if len(videos) != (camera is None):
        raise ConfigError("predict: expected `--camera N` and no video, or `--live` and one video")
    if save or whole:
        raise ConfigError("predict: --save and --whole are for files, not for what a camera sees")


def _answer_live(
    trained: "TrainedModel", video: Path | None, camera: int | None, form: "Format", top: int, to: TextIO
) -> None:
    from camfuse.predict.camera import camera_frames, played
    from camfuse.predict.live import answer_live
    from camfuse.predict.written import written_live

    source = f"camera {camera}" if video is None else str(video)
    frames = played(video) if video is not None else camera_frames(camera or 0)
    for one in answer_live(trained, frames):
        to.write(written_live(one, source, form, top))
        to.flush()


def _opened(output: Path | None) -> AbstractContextManager[TextIO]:
    """Open the output; file names of any bytes can be written to it."""
    if output is None:
        return nullcontext(sys.stdout)
    output.parent.mkdir(parents=True, exist_ok=True)
    return output.open("w", encoding="utf-8", errors="backslashreplace", newline="")


@app.command()
def enroll(
    model: Trained,
    word: Annotated[str, typer.Argument(help="The word to add.")],
    clips: Annotated[
        list[str], typer.Argument(help="Videos of it, one sign each: 1 to 5 do. Files, folders, patterns.")
    ],
    whole: Annotated[
        bool, typer.Option("--whole", help="Each video is one sign from beginning to end; do not look for it.")
    ] = False,
    estimator: Named = None,
    other_estimator: Other = False,
    device: Device = "auto",
) -> None:
    """Add a word to a trained model without training: `predict` answers with it from then on."""
    from camfuse.clips.label_files import plural
    from camfuse.predict.enroll import enroll as run
    from camfuse.predict.videos import find_videos

    found = find_videos(clips)
    if not found:
        raise ConfigError(f"expected at least one video, found none in {', '.join(clips)}")
    words = run(model, word, found, whole=whole, estimator=estimator, other_estimator=other_estimator, device=device)
    for label in words.labels:
        count = words.words.count(label)
        typer.echo(f"{label}: {count} {plural(count, 'clip', 'clips')}")


@app.command()
def forget(model: Trained, word: Annotated[str, typer.Argument(help="An enrolled word.")]) -> None:
    """Take an enrolled word out of a trained model's answers again."""
    from camfuse.predict.enroll import forget as run

    run(model, word)
    typer.echo(f"forgotten: {word}")
