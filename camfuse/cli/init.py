"""The sub-command `init`: a folder of videos, or a table of them, becomes a config."""

import shlex
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from camfuse.cli.options import app
from camfuse.config import Config, load_values, parse_config
from camfuse.config.computer import Computer
from camfuse.config.recipe import recipe_values
from camfuse.errors import ConfigError, MissingToolError
from camfuse.files import check_targets, write_text

if TYPE_CHECKING:
    import pandas as pd

    from camfuse.clips.table import ClipTable
    from camfuse.init.expect import Collection
    from camfuse.init.source import Source

SHOWN = 20
"""Signers whose clips are counted."""


@app.command()
def init(
    source: Annotated[
        Path,
        typer.Argument(help="Folder with one sub-folder per word, videos in it; or a table (CSV), a line per clip."),
    ],
    output: Annotated[
        Path | None, typer.Option(help="Config to write; left out, SOURCE's name here. Results get its name.")
    ] = None,
    signer: Annotated[
        str | None, typer.Option(help="Regular expression whose first group is the signer in a path below the folder.")
    ] = None,
    guess_signers: Annotated[bool, typer.Option("--guess-signers", help="Guess the signers from the names.")] = False,
    videos: Annotated[
        Path | None,
        typer.Option(help="Where a table's relative paths start; left out, in its folder or here, where they are."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a config that is there.")] = False,
) -> None:
    """Look at videos, say what to expect of them, and write a config that fits them and this machine."""
    if not source.exists():
        raise ConfigError(f"expected a folder of words or a table, found none; looked for {source.absolute()}")
    table = source.is_file()
    config = output or Path(f"{source.stem if table else source.resolve().name}.yaml")
    check_targets("--output", [config], [])
    if config.exists() and not force:
        raise ConfigError(f"{config} is there already: name another with --output, or give --force to replace it")
    if table and (signer or guess_signers):
        raise ConfigError("--signer and --guess-signers are for a folder; a table says who signs in a column `signer`")
    if videos and not table:
        raise ConfigError(f"--videos is for a table, found the folder {source}, whose videos are those in it")
    if videos and not videos.is_dir():
        raise ConfigError(f"--videos: expected a folder, found none; looked for {videos.absolute()}")
    for line in _from_table(source, videos, config) if table else _from_folder(source, config, signer, guess_signers):
        typer.echo(line)


def _from_table(table: Path, videos: Path | None, config: Path) -> Iterator[str]:
    from camfuse.init.source import read_source, table_source

    source = table_source(table, videos)
    yield f"Relative paths of the table start in {source.videos.absolute()}."
    yield from _init(source, read_source(source), config)


def _from_folder(videos: Path, config: Path, signer: str | None, guess: bool) -> Iterator[str]:
    from camfuse.clips.label_files import name_some
    from camfuse.init.signers import guess_signers, why_no_guess
    from camfuse.init.source import folder_source, read_source

    source = folder_source(videos, signer)
    table = read_source(source)
    rows = table.rows
    if signer:
        yield f"Signers: {_counted(rows['signer'])}."
        if as_words := sorted(set(rows["signer"]) & set(rows["label"])):
            yield f"  {len(as_words)} are named as a word is: {name_some(as_words)}. Does --signer find people?"
    elif guess:
        paths = [Path(path).relative_to(source.videos).as_posix() for path in rows["video"]]
        guessed = guess_signers(paths)
        if guessed is None:
            yield f"Signers: {why_no_guess(paths)}."
        else:
            source = folder_source(videos, guessed.pattern)
            table = read_source(source)
            people = _counted(table.rows["signer"])
            yield f"Signers, guessed: {people}. If wrong, give --signer, or no --guess-signers."
    yield from _init(source, table, config)


def _counted(signers: "pd.Series[str]") -> str:
    """Say how many signers there are, and how many clips each of the first has."""
    counts = signers.value_counts()
    return f"{len(counts)}: {', '.join(f'{name} {count}' for name, count in counts.head(SHOWN).items())}"


def _init(source: "Source", table: "ClipTable", config: Path) -> Iterator[str]:
    from camfuse.init.expect import Collection, expectations, word_counts
    from camfuse.init.look import look_at_videos
    from camfuse.init.source import key_of
    from camfuse.init.written import config_text
    from camfuse.prep.requirements import check_machine
    from camfuse.run.trainable import training_problems

    computer = Computer.this()
    looked = look_at_videos(table.rows, source.videos, computer.cores)
    seen = Collection(table.rows, looked, computer, table.split_given)
    yield from word_counts(seen)
    yield from seen.videos.sentences()
    yield from table.notes
    output = f"results/{_without_braces(config.stem)}"
    clips = {key_of(source): source.model_dump(mode="json")}
    resolved = parse_config(
        recipe_values(seen.counts, computer, {"output": output, "clips": clips, "pose": {"mediapipe": {}}})
    )
    yield from expectations(seen, resolved)
    problems = training_problems(resolved, seen.decodable, table.classes)
    yield from (f"A training would stop here: {problem}." for problem in problems)
    write_text(config, config_text(seen, source, output, resolved))
    written = parse_config(load_values(config), str(config))
    now = f"{_remedy(seen, resolved, source)} Then" if problems else "Now"
    yield f"Written: {config}. {now}: camfuse run {shlex.quote(str(config))}"
    try:
        check_machine(written)
    except MissingToolError as error:
        yield f"First, {error}"


def _remedy(seen: "Collection", resolved: Config, source: "Source") -> str:
    """Say what to change before a training can run: words may be split without regard to signers that now cannot."""
    from camfuse.init.source import key_of, read_source
    from camfuse.run.trainable import training_problems

    table = read_source(source.model_copy(update={"by": "label"}))
    if seen.signers and not training_problems(resolved, replace(seen, rows=table.rows).decodable, table.classes):
        return (
            f"First, record the words with more signers, or put `by: label` below `{key_of(source)}:` in it, which "
            "splits each word by itself, so that the people of the test are in training too."
        )
    mend = "change the table's column `split`, or record" if seen.split_given else "record"
    return f"First, {mend} what is missing, and call `camfuse init` again with --force."


def _without_braces(name: str) -> str:
    """Replace what the config allows in no name of a run's folder."""
    return "".join(letter if letter.isprintable() and letter not in "{}" else "_" for letter in name)
