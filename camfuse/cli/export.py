"""The sub-command that writes a trained model as one file."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from camfuse.cli import keypoints
from camfuse.cli.options import app, log
from camfuse.errors import ConfigError


@app.command()
def export(
    model: Annotated[Path | None, typer.Argument(help="A run's folder, or a best.ckpt.", show_default=False)] = None,
    form: Annotated[
        Literal["onnx", "torch", "pyskl", "pose"],
        typer.Option("--format", metavar="[onnx|torch]", help="For onnxruntime, without torch; or a torch program."),
    ] = "onnx",
    output: Annotated[
        Path | None, typer.Option(help="The file; left out, MODEL's name with .onnx or .pt2 in this folder.")
    ] = None,
    old_config: Annotated[Path | None, typer.Option("--config", "-c", hidden=True)] = None,
) -> None:
    """Write a trained model as one file to give away: weights, words, settings, calibration; `predict` takes it."""
    if old_config is not None and output is not None and form in ("pyskl", "pose"):
        log.warning("`camfuse export` is now `camfuse keypoints export`; the old name goes in the next version")
        keypoints.export(old_config, form, output)
        return
    if model is None or old_config is not None or form not in ("onnx", "torch"):
        raise ConfigError("export: expected MODEL and --format onnx or torch (keypoints: `camfuse keypoints export`)")
    from camfuse.predict.export import SUFFIXES, export_model

    place = output or Path(f"{model.stem or 'model'}{SUFFIXES[form]}")
    if place.suffix.lower() != SUFFIXES[form]:
        raise ConfigError(f"{place}: expected a name that ends in {SUFFIXES[form]} for --format {form}")
    difference = export_model(model, place, form)
    size = place.stat().st_size / 1e6
    typer.echo(f"{place}: {size:.1f} MB; its probabilities differ from the model's by at most {difference:.1e}")
