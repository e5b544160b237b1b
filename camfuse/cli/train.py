"""The sub-commands that train: the whole recipe, and one part of it as the workflow calls it."""

from pathlib import Path
from typing import Annotated

import typer

from camfuse.cli.options import ConfigFile, Gpus, LogFile, app, chosen, log, start
from camfuse.config import Config, Part
from camfuse.errors import ConfigError
from camfuse.files import check_targets, naming
from camfuse.run.layout import Run

Validate = Annotated[
    bool | None,
    typer.Option(
        help="Validate after every epoch and keep the best, or keep the last epoch; "
        "left out, `train.validation` of the config, which is on."
    ),
]
Init = Annotated[
    list[Path] | None, typer.Option(help="For fusion: checkpoints of the streams, in the order rgb, pose, sequence.")
]


@app.command()
def train(
    config: Annotated[Path, typer.Argument(help="YAML file with the settings.")],
    gpus: Gpus = None,
    validate: Validate = None,
    test_last: Annotated[bool, typer.Option("--test-last", help="Then test the last epochs.")] = False,
    test_best: Annotated[bool, typer.Option("--test-best", help="Then test the kept epochs.")] = False,
    old_config: Annotated[Path | None, typer.Option("--config", "-c", hidden=True)] = None,
    old_output: Annotated[Path | None, typer.Option("--output", hidden=True)] = None,
    old_init: Annotated[list[Path] | None, typer.Option("--init", hidden=True)] = None,
    log_file: LogFile = None,
) -> None:
    """Train the streams and the fusion on prepared data, one after the other. Resumes where it was stopped."""
    for part in ("rgb", "pose", "fusion"):
        if str(config) == part:
            _old_train_part(part, old_config, old_output, old_init, gpus, validate, log_file, test_last or test_best)
            return
    if old_config or old_output or old_init:
        raise ConfigError("train: expected --config, --output and --init with `camfuse train-part` only")
    settings = chosen(start(config, log_file), gpus, validate)
    from camfuse.train.recipe import train_recipe

    if failed := train_recipe(Run(settings), config, _again(gpus, validate)):
        raise typer.Exit(failed)
    for asked, name, folder in ((test_last, "last", "evaluate_last"), (test_best, "best", "evaluate")):
        if asked:
            _evaluate_all(settings, name, settings.output / folder)


@app.command()
def train_part(
    part: Annotated[Part, typer.Argument(help="What to train.")],
    config: ConfigFile,
    output: Annotated[Path, typer.Option(help="Folder to write to.")],
    init: Init = None,
    gpus: Gpus = None,
    validate: Validate = None,
    log_file: LogFile = None,
) -> None:
    """Train one part of the recipe, as the workflow's rules of the name train_PART do."""
    settings = chosen(start(config, log_file), gpus, validate)
    from camfuse.train import train as run

    with naming(output):  # the logs are written by Lightning
        run(Run(settings), part, output, tuple(init or ()))


@app.command()
def pretrain(
    configs: Annotated[list[Path], typer.Argument(help="YAML files of runs whose poses are there.")],
    output: Annotated[Path, typer.Option(help="File to write the weights to.")],
    steps: Annotated[int, typer.Option(min=1, help="Batches, over all runs.")] = 2500,
    log_file: LogFile = None,
) -> None:
    """Train one sequence stream on several data sets at once, for trainings to start from."""
    from camfuse.train.pretrain import pretrain as run

    check_targets("--output", [output], configs)
    with naming(output):
        run([Run(start(config, log_file)) for config in configs], output, steps=steps)
    typer.echo(f"{output}: a config starts from it by `model: {{sequence: {{weights: {{path: {output}}}}}}}`")


def _old_train_part(
    part: Part,
    config: Path | None,
    output: Path | None,
    init: list[Path] | None,
    gpus: int | None,
    validate: bool | None,
    log_file: Path | None,
    test: bool,
) -> None:
    """Keep `camfuse train PART` working for one version."""
    if config is None or output is None or test:
        raise ConfigError(f"train {part}: expected --config and --output, and neither --test-last nor --test-best")
    log.warning("`camfuse train %s` is now `camfuse train-part %s`; the old name goes in the next version", part, part)
    train_part(part, config, output, init, gpus, validate, log_file)


def _again(gpus: int | None, validate: bool | None) -> list[str]:
    """Return the options that `chosen` was given, for another call of this program."""
    options = [] if gpus is None else [f"--gpus={gpus}"]
    return options if validate is None else [*options, "--validate" if validate else "--no-validate"]


def _evaluate_all(settings: Config, name: str, output: Path) -> None:
    from camfuse.evaluate.result_text import result_text
    from camfuse.evaluate.run import evaluate

    run = Run(settings)
    checkpoints = {part: run.training(part).folder / f"{name}.ckpt" for part in run.config.model.parts}
    found = evaluate(run, checkpoints, output)
    typer.echo(f"the {name} epochs, {output}:\n{result_text(found)}")
