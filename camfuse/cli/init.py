"""The sub-command `init`: a folder of videos becomes a config."""

import shlex
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic import ValidationError

from camfuse.cli.options import app
from camfuse.config import Config, load_values, parse_config
from camfuse.config.computer import Computer
from camfuse.config.recipe import recipe_values
from camfuse.config.sources import FolderSource, SplitBy
from camfuse.errors import ConfigError, MissingToolError
from camfuse.files import check_targets, write_text

if TYPE_CHECKING:
    from camfuse.init.expect import Folder


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(help="Folder with one sub-folder per word, videos in it.")],
    output: Annotated[
        Path | None, typer.Option(help="Config to write; left out, FOLDER's name here. Results get its name.")
    ] = None,
    signer: Annotated[
        str | None, typer.Option(help="Regular expression whose first group is the signer in a path below FOLDER.")
    ] = None,
    guess_signers: Annotated[bool, typer.Option("--guess-signers", help="Guess the signers from the names.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace a config that is there.")] = False,
) -> None:
    """Look at a folder of videos, say what to expect of it, and write a config that fits it and this machine."""
    config = output or Path(f"{folder.resolve().name}.yaml")
    check_targets("--output", [config], [])
    if config.exists() and not force:
        raise ConfigError(f"{config} is there already: name another with --output, or give --force to replace it")
    for line in _init(folder, config, signer, guess_signers):
        typer.echo(line)


def _init(videos: Path, config: Path, signer: str | None, guess: bool) -> Iterator[str]:
    from camfuse.clips.sources.folder import read
    from camfuse.init.expect import Folder, expectations, word_counts
    from camfuse.init.look import look_at_videos
    from camfuse.init.signers import guess_signers, why_no_guess
    from camfuse.init.written import config_text
    from camfuse.prep.requirements import check_machine
    from camfuse.run.trainable import training_problems

    table = read(_source(videos, signer))
    paths = [Path(path).relative_to(videos).as_posix() for path in table.rows["video"]]
    if guess and not signer:
        guessed = guess_signers(paths)
        if guessed is None:
            yield f"Signers: {why_no_guess(paths)}."
        else:
            signer = guessed.pattern
            found = ", ".join(f"{name} {count}" for name, count in list(guessed.clips.items())[:20])
            yield f"Signers, guessed: {len(guessed.clips)}: {found}. If wrong, give --signer, or no --guess-signers."
            table = read(_source(videos, signer))
    computer = Computer.this()
    seen = Folder(table.rows, look_at_videos(videos, paths, computer.cores), computer)
    yield from word_counts(seen)
    yield from seen.videos.sentences()
    yield from table.notes
    output = f"results/{_without_braces(config.stem)}"
    place = videos if not videos.is_absolute() else videos.resolve()
    values = {"output": output, "clips": {"folder": {"videos": str(place)}}, "pose": {"mediapipe": {}}}
    resolved = parse_config(recipe_values(seen.counts, computer, values))
    yield from expectations(seen, resolved)
    problems = training_problems(resolved, seen.decodable, table.classes)
    yield from (f"A training would stop here: {problem}." for problem in problems)
    write_text(config, config_text(seen, place, output, signer, resolved))
    written = parse_config(load_values(config), str(config))
    now = f"{_remedy(seen, resolved, _source(videos, signer, by='label'))} Then" if problems else "Now"
    yield f"Written: {config}. {now}: camfuse run {shlex.quote(str(config))}"
    try:
        check_machine(written)
    except MissingToolError as error:
        yield f"First, {error}"


def _remedy(seen: "Folder", resolved: Config, by_label: FolderSource) -> str:
    """Say what to change before a training can run: words may be split without regard to signers that now cannot."""
    from camfuse.clips.sources.folder import read
    from camfuse.run.trainable import training_problems

    table = read(by_label)
    if seen.signers and not training_problems(resolved, replace(seen, rows=table.rows).decodable, table.classes):
        return (
            "First, record the words with more signers, or put `by: label` below `folder:` in it, which splits each "
            "word by itself, so that the people of the test are in training too."
        )
    return "First, record what is missing, and call `camfuse init` again with --force."


def _source(videos: Path, signer: str | None, by: SplitBy | None = None) -> FolderSource:
    try:
        return FolderSource(videos=videos, signer=signer, by=by)
    except ValidationError as error:
        said = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise ConfigError(f"--signer: {said}") from error


def _without_braces(name: str) -> str:
    """Replace what the config allows in no name of a run's folder."""
    return "".join(letter if letter.isprintable() and letter not in "{}" else "_" for letter in name)
