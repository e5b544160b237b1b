"""The sub-commands that test and compare; `test CONFIG WEIGHTS` is the paper's."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from camfuse.cli.options import ConfigFile, Gpus, LogFile, Output, app, chosen, start
from camfuse.config import Part, Split, Stream
from camfuse.run.layout import Run


class Metric(StrEnum):
    """The base code's names of what it prints after a test."""

    TOP_K_ACCURACY = "top_k_accuracy"
    MEAN_CLASS_ACCURACY = "mean_class_accuracy"


@app.command()
def test(
    config: Annotated[Path, typer.Argument(help="YAML file with the settings.")],
    weights: Annotated[
        Path, typer.Argument(help="Model to test: a run's folder, a training's, or its best.ckpt or last.ckpt.")
    ],
    more: Annotated[list[Metric] | None, typer.Argument(hidden=True)] = None,
    gpus: Gpus = None,
    out: Annotated[Path | None, typer.Option("--out", help="Write the predictions: .csv, .json or .npz.")] = None,
    metrics: Annotated[
        list[Metric] | None, typer.Option("--eval", help="What to print, one or several; left out, the whole table.")
    ] = None,
    split: Annotated[Split, typer.Option(help="Clips to test.")] = "test",
    inputs: Annotated[
        Stream | None,
        typer.Option("--input", help="Give a fused model the input of one stream only."),
    ] = None,
    clips: Annotated[Path | None, typer.Option(help="File with ids of clips, one a line: test these only.")] = None,
    log_file: LogFile = None,
) -> None:
    """Test one model on prepared data; write its predictions, print how good they are."""
    settings = chosen(start(config, log_file), gpus, None)
    from camfuse.evaluate.prediction_files import check_suffix, write_predictions
    from camfuse.evaluate.result_text import metric_text, result_text
    from camfuse.evaluate.run import evaluate_checkpoint, read_clip_ids

    if out:
        check_suffix(out)
    only = read_clip_ids(clips) if clips else None
    predictions, results = evaluate_checkpoint(Run(settings), weights, split=split, inputs=inputs, only=only)
    if out:
        write_predictions(predictions, results, out)
    asked = [*(metrics or ()), *(more or ())]
    typer.echo("\n".join(metric_text(results, metric.value) for metric in asked) if asked else result_text(results))


@app.command()
def evaluate(
    config: ConfigFile,
    output: Output,
    rgb: Annotated[Path | None, typer.Option(help="Checkpoint of the RGB stream.")] = None,
    pose: Annotated[Path | None, typer.Option(help="Checkpoint of the pose stream.")] = None,
    sequence: Annotated[Path | None, typer.Option(help="Checkpoint of the sequence stream.")] = None,
    fusion: Annotated[Path | None, typer.Option(help="Checkpoint of the fused model.")] = None,
    log_file: LogFile = None,
) -> None:
    """Test the checkpoints that are given: top-1, top-5, mean class accuracy; predictions per clip."""
    settings = start(config, log_file)
    from camfuse.evaluate.run import evaluate as run

    given: dict[Part, Path | None] = {"rgb": rgb, "pose": pose, "sequence": sequence, "fusion": fusion}
    run(Run(settings), {part: path for part, path in given.items() if path}, output)


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
