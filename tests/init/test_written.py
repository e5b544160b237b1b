"""The written config is one, says what it should, and its comments are true."""

from pathlib import Path

import pandas as pd
import pytest
import yaml

from camfuse.config import parse_config
from camfuse.config.computer import Computer
from camfuse.config.recipe import recipe_values
from camfuse.init.expect import Folder
from camfuse.init.look import VideoFacts, Videos
from camfuse.init.written import config_text


def text(videos: str, signer: str | None, *, broken: bool = False, gpu: bool = False, clips: int = 40) -> str:
    rows = pd.DataFrame({"label": ["a"] * clips, "split": "train", "signer": ""})
    looked = (VideoFacts("a/1.mp4", 50, 2.0, 64, 64), VideoFacts("a/2.mp4", problem="expected" if broken else ""))
    folder = Folder(rows, Videos(clips, looked), Computer(2, gpu=gpu))
    values = {"clips": {"folder": {"videos": videos}}, "pose": {"mediapipe": {}}}
    resolved = parse_config(recipe_values(folder.counts, folder.computer, values))
    return config_text(folder, Path(videos), "results/mine", signer, resolved)


@pytest.mark.parametrize("videos", ["my signs", 'od"d: #name', "C:\\signs", "страна"])
@pytest.mark.parametrize("signer", [None, r"^[^/]+/([^/]+)/", r"/(\w+)[0-9]*[.]"])
def test_it_is_a_config_whatever_the_names(videos: str, signer: str | None) -> None:
    written = yaml.safe_load(text(videos, signer))
    config = parse_config(written)
    assert config.clips.folder is not None
    assert (config.clips.folder.videos, config.clips.folder.signer) == (Path(videos), signer)
    assert (config.recipe, config.clips.shards, str(config.output)) == ("auto", 4, "results/mine")
    assert config.bad_clips == "stop"


def test_broken_videos_are_left_out() -> None:
    assert parse_config(yaml.safe_load(text("v", None, broken=True))).bad_clips == "skip"
    assert "1 video cannot be decoded" in text("v", None, broken=True)


def test_the_comments_say_what_the_recipe_comes_to() -> None:
    assert "# sequence: 24 epochs, each clip 10 times in every epoch, batches of 16; 2 threads." in text("v", None)
    assert "`model: {pose: {}}` adds the stream on heatmaps" in text("v", None)


def test_with_a_gpu_they_say_what_heatmaps_and_fusion_come_to() -> None:
    found = text("v", None, gpu=True, clips=2000)
    assert "# pose: 12 epochs, each clip 16 times in every epoch, batches of 8; sequence: 24 epochs," in found
    assert "; fusion: 8 epochs, each clip 4 times in every epoch, batches of 8; 1 thread." in found
    assert "`model: {pose: null}` leaves out the stream on heatmaps" in found
