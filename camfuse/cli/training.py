"""The sub-commands that train, test and compare; `train CONFIG` and `test CONFIG WEIGHTS` are the paper's two."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from camfuse.cli.options import ConfigFile, LogFile, Output, app, start
from camfuse.config import Config
from camfuse.errors import ConfigError

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
    """Train on prepared data: the RGB stream, the pose stream, both with ST-CAF. Resumes where it was stopped."""
    if what in [part.value for part in Part]:
        if config is None or output is None or test_last or test_best:
            raise ConfigError(f"train {what}: expected --config and --output, and neither --test-last nor --test-best")
        settings = _chosen(start(config, log_file), gpus, validate)
        from camfuse.train import train as run

        out = settings.output
        run(settings, Part(what).value, out / "clips", out / "crops", out / "heatmaps", output, tuple(init or ()))
        return
    if config or output or init:
        raise ConfigError(f"train {what}: expected --config, --output and --init with rgb, pose or fusion only")
    settings = _chosen(start(Path(what), log_file), gpus, validate)
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
    from camfuse.evaluate.results import parse_results, result_text
    from camfuse.evaluate.run import evaluate as run

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
        Input | None, typer.Option("--input", help="Give a fused model the RGB images or the poses only.")
    ] = None,
    clips: Annotated[Path | None, typer.Option(help="File with ids of clips, one a line: test these only.")] = None,
    log_file: LogFile = None,
) -> None:
    """Test one checkpoint on prepared data; write its predictions, print how good they are."""
    settings = _chosen(start(config, log_file), gpus, None)
    from camfuse.evaluate.prediction_files import check_suffix, write_predictions
    from camfuse.evaluate.results import metric_text, parse_results, read_clip_ids, result_text
    from camfuse.evaluate.run import evaluate_checkpoint

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
    settings = start(config, log_file)
    from camfuse.evaluate.run import evaluate as run

    out = settings.output
    given = {"rgb": rgb, "pose": pose, "fusion": fusion}
    checkpoints = {part: path for part, path in given.items() if path}
    run(settings, out / "clips", out / "crops", out / "heatmaps", checkpoints, output)


@app.command()
def experiments(config: ConfigFile, output: Output, log_file: LogFile = None) -> None:
    """Set the results of the config's experiments side by side, the main run first."""
    settings = start(config, log_file)
    from camfuse.evaluate.comparison import compare_experiments

    compare_experiments(settings, output)


@app.command()
def ablation(config: ConfigFile, output: Output, log_file: LogFile = None) -> None:
    """Sum up the config's ablation: mean and spread over seeds of each stream and each fusion."""
    settings = start(config, log_file)
    from camfuse.evaluate.comparison import markdown, summarise_ablation

    typer.echo(markdown(summarise_ablation(settings, output)), nl=False)
