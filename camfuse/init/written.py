"""The config that `camfuse init` writes, with its comments."""

from pathlib import Path

import yaml

from camfuse.clips.label_files import plural
from camfuse.config import Config
from camfuse.init.expect import Folder, videos_of_words

UNKNOWN = """    # by this pattern hello/anna/1.mp4 is signed by anna; then people are kept apart in train, val and test
    # signer: "^[^/]+/([^/]+)/"
"""


def config_text(folder: Folder, videos: Path, output: str, signer: str | None, resolved: Config) -> str:
    """Return the config as text.

    Parameters
    ----------
    folder
        What there is.
    videos
        The folder of words, as the config shall name it.
    output
        The folder of the results.
    signer
        The pattern that finds a video's signer, or None.
    resolved
        What the recipe comes to here, for the comments.
    """
    each = max(1, round(len(folder.rows) / folder.shards))
    return f"""\
# Written by `camfuse init`: {videos_of_words(folder)}.
# Every key there is: config/README.md, or `camfuse config`.
output: {_text(output)}
# Fits model, training and machine to the number of clips and to this machine, each time it runs. Here and now that is
# {_recipe(resolved)}
# What you say yourself wins: {_heatmaps(resolved)} the stream on heatmaps,
# `train: {{sequence: {{epochs: 40}}}}` trains longer.
recipe: auto
clips:
  folder:
    videos: {_text(str(videos))} # a folder per word
{_signer_line(signer)}\
    # split: [0.7, 0.15, 0.15] # train, val, test
  # duplicates: drop # byte-identical videos are named; this keeps the first of each alone
  shards: {folder.shards} # parts of about {each} {plural(each, "video", "videos")}, each a job
{_bad_clips_line(len(folder.videos.broken))}
pose:
  mediapipe: {{}} # {folder.videos.frames:,} frames at 0.05 s on one core; mmpose and rtmlib run on a GPU
report:
  title: {_text(videos.resolve().name)}
"""


def _signer_line(signer: str | None) -> str:
    return f"    signer: {_text(signer)} # finds who signs in a path below `videos`\n" if signer else UNKNOWN


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
