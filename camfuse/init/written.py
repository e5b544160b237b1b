"""The config that `camfuse init` writes, with its comments."""

import yaml

from camfuse.clips.label_files import plural
from camfuse.config import Config
from camfuse.config.sources import CsvSource, FolderSource
from camfuse.init.expect import Collection, videos_of_words
from camfuse.init.source import Source

UNKNOWN = """    # by this pattern hello/anna/1.mp4 is signed by anna; then people are kept apart in train, val and test
    # signer: "^[^/]+/([^/]+)/"
"""


def config_text(found: Collection, source: Source, output: str, resolved: Config) -> str:
    """Return the config as text.

    Parameters
    ----------
    found
        What there is.
    source
        The folder of words or the table, with paths as the config shall name them.
    output
        The folder of the results.
    resolved
        What the recipe comes to here, for the comments.
    """
    each = max(1, round(len(found.rows) / found.shards))
    title = source.videos.resolve().name if isinstance(source, FolderSource) else source.table.stem
    return f"""\
# Written by `camfuse init`: {videos_of_words(found)}.
# Every key there is: config/README.md, or `camfuse config`.
output: {_text(output)}
# Fits model, training and machine to the number of clips and to this machine, each time it runs. Here and now that is
# {_recipe(resolved)}
# What you say yourself wins: {_heatmaps(resolved)} the stream on heatmaps,
# `train: {{sequence: {{epochs: 40}}}}` trains longer.
recipe: auto
clips:
{_folder_lines(source) if isinstance(source, FolderSource) else _table_lines(source)}\
{_missing_line(len(found.videos.missing))}\
  # duplicates: drop # byte-identical videos are named; this keeps the first of each alone
  shards: {found.shards} # parts of about {each} {plural(each, "video", "videos")}, each a job
{_bad_clips_line(len(found.videos.broken))}
pose:
  mediapipe: {{}} # {found.videos.frames:,} frames at 0.05 s on one core; mmpose and rtmlib run on a GPU
report:
  title: {_text(title)}
"""


def _folder_lines(source: FolderSource) -> str:
    signer = (
        f"    signer: {_text(source.signer)} # finds who signs in a path below `videos`\n" if source.signer else UNKNOWN
    )
    return f"""\
  folder:
    videos: {_text(str(source.videos))} # a folder per word
{signer}\
    # split: [0.7, 0.15, 0.15] # train, val, test
"""


def _table_lines(source: CsvSource) -> str:
    return f"""\
  csv:
    table: {_text(str(source.table))}
    videos: {_text(str(source.videos))} # where relative paths in the column `video` start
    # split: [0.7, 0.15, 0.15] # train, val, test, if the table has no column `split`
"""


def _missing_line(missing: int) -> str:
    if not missing:
        return ""
    what = plural(missing, "video is not there: it is", "videos are not there: they are")
    return f"  missing: drop # {missing} {what} counted and left out\n"


def _bad_clips_line(broken: int) -> str:
    if broken:
        what = plural(broken, "video cannot be decoded: it is", "videos cannot be decoded: they are")
        return f"bad_clips: skip # {broken} {what} left out, and named in the report"
    return "# bad_clips: skip # leaves out what cannot be decoded; as it is, a broken video stops its part"


def _recipe(resolved: Config) -> str:
    phases = [(part, getattr(resolved.train, part)) for part in resolved.model.parts]
    told = "; ".join(
        f"{name}: {one.epochs} {plural(one.epochs, 'epoch', 'epochs')}, "
        f"each clip {one.repeat} {plural(one.repeat, 'time', 'times')} in every epoch, batches of {one.batch}"
        for name, one in phases
    )
    threads = resolved.machine.threads
    return f"{told}; {threads} {plural(threads, 'thread', 'threads')}."


def _heatmaps(resolved: Config) -> str:
    return "`model: {pose: null}` leaves out" if resolved.model.pose else "`model: {pose: {}}` adds"


def _text(value: str) -> str:
    return yaml.safe_dump(value, allow_unicode=True, width=10_000, default_style='"').strip()
