"""The command line: one sub-command a stage, each importing its stage only when it is called."""

import logging
import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from camfuse.config import Config, load_config
from camfuse.errors import CamfuseError, ConfigError, TableError, disk_problem

log = logging.getLogger("camfuse")

app = typer.Typer(
    name="camfuse",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="From sign videos to a trained, evaluated recogniser.\n\n"
    "The usual way is the workflow: snakemake --cores 2 --configfile config/demo.yaml. "
    "It calls the sub-commands below, in this order; each can be called by hand too.",
)

ConfigFile = Annotated[Path, typer.Option("--config", "-c", help="YAML file with the settings.")]
LogFile = Annotated[Path | None, typer.Option("--log", help="Also write messages to this file.")]
ShardClips = Annotated[Path, typer.Option(help="The shard's clips: clips/shards/SHARD.csv.")]
Output = Annotated[Path, typer.Option(help="What to write.")]


Gpus = Annotated[
    int | None,
    typer.Option(min=0, help="GPUs to use, 0 for the CPU; left out, `machine` of the config decides."),
]


class Part(StrEnum):
    """The three trainings of the recipe."""

    RGB = "rgb"
    POSE = "pose"
    FUSION = "fusion"


class Split(StrEnum):
    """The parts of the clip table."""

    TRAIN = "train"
    VAL = "val"
    TEST = "test"


class Input(StrEnum):
    """What a fused model can do with alone."""

    RGB = "rgb"
    POSE = "pose"


class Metric(StrEnum):
    """The base code's names of what it prints after a test."""

    TOP_K_ACCURACY = "top_k_accuracy"
    MEAN_CLASS_ACCURACY = "mean_class_accuracy"


def _start(config: Path, log_file: Path | None) -> Config:
    # of processes that train together the first has the log
    if log_file and all(os.environ.get(name, "0") == "0" for name in ("LOCAL_RANK", "SLURM_PROCID")):
        log_file.parent.mkdir(parents=True, exist_ok=True)
        handler = logging.FileHandler(log_file, mode="w", encoding="utf-8")
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
        logging.getLogger().addHandler(handler)
    settings = load_config(config)
    log.setLevel(settings.machine.log_level.upper())
    return settings


@app.command()
def clips(config: ConfigFile, log_file: LogFile = None) -> None:
    """Read the label files, look which videos are there, write the clip table and what is missing."""
    settings = _start(config, log_file)
    from camfuse.clips.refresh import refresh

    table = refresh(settings)
    for note in table.notes:
        typer.echo(note)
    typer.echo(f"{len(table.rows)} clips of {len(table.classes)} classes: {settings.output / 'clips' / 'clips.csv'}")


@app.command()
def avatars(config: ConfigFile, clips: ShardClips, output: Output, log_file: LogFile = None) -> None:
    """Draw the demo's videos from recorded landmarks (only for `clips.fingerspelling`)."""
    settings = _start(config, log_file)
    from camfuse.prep.avatars import draw_avatars

    draw_avatars(settings, clips, output)


@app.command()
def frames(config: ConfigFile, clips: ShardClips, output: Output, log_file: LogFile = None) -> None:
    """Decode every frame of the clips' segments into JPEGs with their true times."""
    settings = _start(config, log_file)
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
    """Estimate the 133 whole-body keypoints; clips that `output` already holds unchanged are taken over."""
    settings = _start(config, log_file)
    from camfuse.prep.pose.run import estimate_poses

    estimate_poses(settings, clips, frames, output, previous=output)


class Form(StrEnum):
    """Forms in which others read keypoints."""

    PYSKL = "pyskl"
    POSE = "pose"


@app.command()
def export(
    config: ConfigFile,
    form: Annotated[Form, typer.Option("--format", help="pyskl: one pickle (PYSKL, MMAction2); pose: a file a clip.")],
    output: Annotated[Path, typer.Option(help="pyskl: the .pkl to write; pose: the folder of the .pose files.")],
) -> None:
    """Write the run's keypoints, labels and splits for PYSKL and MMAction2, or as `.pose` files."""
    settings = _start(config, None)
    from camfuse.prep.pose.export import export_pose, export_pyskl

    count = export_pyskl(settings, output) if form == Form.PYSKL else export_pose(settings, output)
    typer.echo(f"{count} clips: {output}")


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
    settings = _start(config, log_file)
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
    settings = _start(config, log_file)
    from camfuse.prep.heatmaps import render_heatmaps

    render_heatmaps(settings, clips, crops, output)


@app.command()
def train(
    what: Annotated[
        str,
        typer.Argument(
            metavar="CONFIG|PART",
            help="YAML file with the settings: trains rgb, pose and fusion, one after the other. "
            "Or one of these words, as the workflow calls it: that part alone, with --config and --output.",
        ),
    ],
    gpus: Gpus = None,
    validate: Annotated[
        bool | None,
        typer.Option(
            help="Validate after every epoch and keep the best, or keep the last epoch; "
            "left out, `train.validation` of the config, which is on."
        ),
    ] = None,
    test_last: Annotated[bool, typer.Option("--test-last", help="CONFIG: then test the last epochs.")] = False,
    test_best: Annotated[bool, typer.Option("--test-best", help="CONFIG: then test the kept epochs.")] = False,
    config: Annotated[Path | None, typer.Option("--config", "-c", help="PART: YAML file with the settings.")] = None,
    output: Annotated[Path | None, typer.Option(help="PART: folder to write to.")] = None,
    init: Annotated[list[Path] | None, typer.Option(help="PART fusion: checkpoints of rgb and pose.")] = None,
    log_file: LogFile = None,
) -> None:
    """Train on prepared data: the RGB stream, the pose stream, both with ST-CAF. Goes on where it was stopped."""
    if what in [part.value for part in Part]:
        if config is None or output is None or test_last or test_best:
            raise ConfigError(f"train {what}: expected --config and --output, and neither --test-last nor --test-best")
        settings = _chosen(_start(config, log_file), gpus, validate)
        from camfuse.train import train as run

        out = settings.output
        run(settings, Part(what).value, out / "clips", out / "crops", out / "heatmaps", output, tuple(init or ()))
        return
    if config or output or init:
        raise ConfigError(f"train {what}: expected --config, --output and --init with rgb, pose or fusion only")
    settings = _chosen(_start(Path(what), log_file), gpus, validate)
    from camfuse.train.recipe import train_recipe

    if failed := train_recipe(settings, Path(what), _again(gpus, validate)):
        raise typer.Exit(failed)
    for asked, name, folder in ((test_last, "last", "evaluate_last"), (test_best, "best", "evaluate")):
        if asked:
            _evaluate_all(settings, name, settings.output / folder)


def _chosen(settings: Config, gpus: int | None, validate: bool | None) -> Config:
    """Return the config with what the command line says otherwise."""
    if validate is not None:
        settings = settings.model_copy(update={"train": settings.train.model_copy(update={"validation": validate})})
    if gpus is not None:
        where = {"device": "cuda", "devices": gpus} if gpus else {"device": "cpu"}
        settings = settings.model_copy(update={"machine": settings.machine.model_copy(update=where)})
    return settings


def _again(gpus: int | None, validate: bool | None) -> list[str]:
    """Return the options that `_chosen` was given, for another call of this program."""
    options = [] if gpus is None else [f"--gpus={gpus}"]
    return options if validate is None else [*options, "--validate" if validate else "--no-validate"]


def _evaluate_all(settings: Config, name: str, output: Path) -> None:
    from camfuse.evaluate import evaluate as run
    from camfuse.results import parse_results, result_text

    out = settings.output
    checkpoints = {part.value: out / "train" / part / f"{name}.ckpt" for part in Part}
    found = run(settings, out / "clips", out / "crops", out / "heatmaps", checkpoints, output)
    typer.echo(f"the {name} epochs, {output}:\n{result_text(parse_results(found))}")


@app.command()
def test(
    config: Annotated[Path, typer.Argument(help="YAML file with the settings.")],
    weights: Annotated[Path, typer.Argument(help="Checkpoint to test: a best.ckpt or last.ckpt of a training.")],
    more: Annotated[list[Metric] | None, typer.Argument(hidden=True)] = None,
    gpus: Gpus = None,
    out: Annotated[Path | None, typer.Option("--out", help="Write the predictions: .csv, .json or .npz.")] = None,
    metrics: Annotated[
        list[Metric] | None, typer.Option("--eval", help="What to print, one or several; left out, the whole table.")
    ] = None,
    split: Annotated[Split, typer.Option(help="Clips to test.")] = Split.TEST,
    inputs: Annotated[
        Input | None, typer.Option("--input", help="Give a fused model the RGB pictures or the poses only.")
    ] = None,
    clips: Annotated[Path | None, typer.Option(help="File with ids of clips, one a line: test these only.")] = None,
    log_file: LogFile = None,
) -> None:
    """Test one checkpoint on prepared data; write its predictions, print how good they are."""
    settings = _chosen(_start(config, log_file), gpus, None)
    from camfuse.evaluate import evaluate_checkpoint
    from camfuse.prediction_files import check_suffix, write_predictions
    from camfuse.results import metric_text, parse_results, read_clip_ids, result_text

    if out:
        check_suffix(out)
    only = read_clip_ids(clips) if clips else None
    predictions, found = evaluate_checkpoint(
        settings, weights, split=split.value, inputs=inputs.value if inputs else None, only=only
    )
    if out:
        write_predictions(predictions, found, out)
    results = parse_results(found)
    asked = [*(metrics or ()), *(more or ())]
    typer.echo("\n".join(metric_text(results, metric.value) for metric in asked) if asked else result_text(results))


@app.command()
def evaluate(
    config: ConfigFile,
    output: Output,
    rgb: Annotated[Path | None, typer.Option(help="Checkpoint of the RGB stream.")] = None,
    pose: Annotated[Path | None, typer.Option(help="Checkpoint of the pose stream.")] = None,
    fusion: Annotated[Path | None, typer.Option(help="Checkpoint of the fused model.")] = None,
    log_file: LogFile = None,
) -> None:
    """Test the checkpoints that are given: top-1, top-5, mean class accuracy; predictions per clip."""
    settings = _start(config, log_file)
    from camfuse.evaluate import evaluate as run

    out = settings.output
    given = {"rgb": rgb, "pose": pose, "fusion": fusion}
    checkpoints = {part: path for part, path in given.items() if path}
    run(settings, out / "clips", out / "crops", out / "heatmaps", checkpoints, output)


@app.command()
def experiments(config: ConfigFile, output: Output, log_file: LogFile = None) -> None:
    """Set the results of the config's experiments side by side, the main run first."""
    settings = _start(config, log_file)
    from camfuse.comparison import compare_experiments

    compare_experiments(settings, output)


@app.command()
def ablation(config: ConfigFile, output: Output, log_file: LogFile = None) -> None:
    """Sum up the config's ablation: mean and spread over seeds of each stream and each fusion."""
    settings = _start(config, log_file)
    from camfuse.comparison import markdown, summarise_ablation

    typer.echo(markdown(summarise_ablation(settings, output)), nl=False)


@app.command()
def report(config: ConfigFile, output: Output, log_file: LogFile = None) -> None:
    """Write the HTML page: results, curves, confusion, drawn clips and attention, coverage, detection rates."""
    settings = _start(config, log_file)
    from camfuse.report.page import write_report

    write_report(settings, output)


@app.command()
def show(
    clip: Annotated[str, typer.Argument(help="A clip id of the run, or a video file.")],
    config: ConfigFile,
    output: Annotated[Path, typer.Option(help="What to draw: .png is a contact sheet, .gif and .mp4 all frames.")],
    columns: Annotated[int, typer.Option(min=1, help="Frames on the contact sheet.")] = 8,
    log_file: LogFile = None,
) -> None:
    """Draw one clip: its frames with skeleton and crop box, its crops, its heatmaps."""
    settings = _start(config, log_file)
    from camfuse.report.show import show as show_clip
    from camfuse.report.show import show_video

    if Path(clip).is_file():
        show_video(Path(clip), settings, output, columns)
    else:
        show_clip(settings, clip, output, columns)
    typer.echo(output)


@app.command()
def results(config: ConfigFile) -> None:
    """Print the result table of a finished run and where its report is."""
    settings = _start(config, None)
    from camfuse.results import read_results, result_text

    path = settings.output / "evaluate" / "results.json"
    found = read_results(path)
    if found is None:
        raise TableError(path, ["expected the results of a finished run, found no file; run the workflow first"])
    typer.echo(result_text(found))
    typer.echo(f"report: {settings.output / 'report' / 'index.html'}")


@app.command()
def weights(
    config: Annotated[Path, typer.Argument(help="YAML file with the settings.")],
    look: Annotated[bool, typer.Option("--list", help="Only say what is there; fetch nothing.")] = False,
) -> None:
    """Fetch the trained weights that a config needs; goes on where it was cut off, refuses a file with another hash."""
    settings = load_config(config)
    from camfuse.weights import fetch_weights, needed_weights

    needed = needed_weights(settings)
    if not needed:
        typer.echo("this config needs no weights")
    ready = True
    for one in needed:
        if not look and not one.path.is_file():
            fetch_weights(one)
        state = one.state()
        ready &= state.startswith("ready")
        typer.echo(state)
    if not ready:
        raise typer.Exit(2)


@app.command()
def config(
    file: Annotated[Path | None, typer.Argument(help="Print this config with every default resolved.")] = None,
    write: Annotated[
        Path | None, typer.Option(help="Write default.yaml, schema.json and README.md's table into this folder.")
    ] = None,
) -> None:
    """Show the settings: those of a file, or all there are."""
    from camfuse.config import dump_config
    from camfuse.reference import default_yaml, write_reference

    if write:
        write_reference(write)
    elif file:
        typer.echo(dump_config(load_config(file)), nl=False)
    else:
        typer.echo(default_yaml(), nl=False)


def main() -> None:
    """Run a sub-command; a user's mistake is one message and exit code 2, a bug keeps its traceback."""
    console = logging.StreamHandler()
    console.setLevel(logging.WARNING)
    console.setFormatter(logging.Formatter("%(levelname)s: %(message)s"))
    logging.getLogger().addHandler(console)
    log.setLevel(logging.INFO)
    logging.raiseExceptions = False  # a log on a full disk must not hide what went wrong
    try:
        app()
    except CamfuseError as error:
        log.error("%s", error)
        sys.exit(2)
    except Exception as error:
        if problem := disk_problem(error):
            log.error("%s", problem)
            sys.exit(2)
        log.exception("this is a bug in camfuse; please report it with the config and this message")
        sys.exit(1)
