"""The written config is one, says what it should, and its comments are true."""

from pathlib import Path

import pandas as pd
import pytest
import yaml

from camfuse.config import parse_config
from camfuse.config.computer import Computer
from camfuse.config.recipe import recipe_values
from camfuse.config.sources import CsvSource, FolderSource
from camfuse.init.expect import Collection
from camfuse.init.look import VideoFacts, Videos
from camfuse.init.source import Source, key_of
from camfuse.init.written import config_text


def text(videos: str, signer: str | None, *, gpu: bool = False, clips: int = 40) -> str:
    return written(FolderSource(videos=Path(videos), signer=signer), gpu=gpu, clips=clips)


def written(source: Source, *, broken: bool = False, missing: int = 0, gpu: bool = False, clips: int = 40) -> str:
    names = [f"{number}.mp4" for number in range(clips)]
    rows = pd.DataFrame({"video": names, "label": ["a"] * clips, "split": "train", "signer": ""})
    problem = "expected" if broken else ""
    looked = (VideoFacts("1", "a/1.mp4", 50, 2.0, 64, 64), VideoFacts("2", "a/2.mp4", problem=problem))
    lost = tuple(VideoFacts(f"{number}", "gone.mp4") for number in range(missing))
    found = Collection(rows, Videos(clips, looked, lost), Computer(2, gpu=gpu))
    values = {"clips": {key_of(source): source.model_dump(mode="json")}, "pose": {"mediapipe": {}}}
    resolved = parse_config(recipe_values(found.counts, found.computer, values))
    return config_text(found, source, "results/mine", resolved)


@pytest.mark.parametrize("videos", ["my signs", 'od"d: #name', "C:\\signs", "страна"])
@pytest.mark.parametrize("signer", [None, r"^[^/]+/([^/]+)/", r"/(\w+)[0-9]*[.]"])
def test_it_is_a_config_whatever_the_names(videos: str, signer: str | None) -> None:
    config = parse_config(yaml.safe_load(text(videos, signer)))
    assert config.clips.folder is not None
    assert (config.clips.folder.videos, config.clips.folder.signer) == (Path(videos), signer)
    assert (config.recipe, config.clips.shards, str(config.output)) == ("auto", 4, "results/mine")
    assert config.bad_clips == "stop"


def test_broken_videos_are_left_out() -> None:
    found = written(FolderSource(videos=Path("v")), broken=True)
    assert parse_config(yaml.safe_load(found)).bad_clips == "skip"
    assert "1 video cannot be decoded" in found


def test_the_comments_say_what_the_recipe_comes_to() -> None:
    assert "# sequence: 24 epochs, each clip 10 times in every epoch, batches of 16; 2 threads." in text("v", None)
    assert "`model: {pose: {}}` adds the stream on heatmaps" in text("v", None)


def test_with_a_gpu_they_say_what_heatmaps_and_fusion_come_to() -> None:
    found = text("v", None, gpu=True, clips=2000)
    assert "# pose: 12 epochs, each clip 16 times in every epoch, batches of 8; sequence: 24 epochs," in found
    assert "; fusion: 8 epochs, each clip 4 times in every epoch, batches of 8; 1 thread." in found
    assert "`model: {pose: null}` leaves out the stream on heatmaps" in found


def test_of_a_table() -> None:
    source = CsvSource(table=Path("my signs/words.csv"), videos=Path("recordings"))
    config = parse_config(yaml.safe_load(written(source, missing=2)))
    assert config.clips.csv == source
    assert (config.clips.missing, config.report.title) == ("drop", "words")
    assert "  missing: drop # 2 videos are not there: they are counted and left out\n" in written(source, missing=2)
    assert parse_config(yaml.safe_load(written(source))).clips.missing == "stop"
