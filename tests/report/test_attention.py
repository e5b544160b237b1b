"""Where the fusion looks, drawn for the report."""

import base64
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from made_training import THREE, MadeRun, MakeRun

from camfuse.config import STREAMS
from camfuse.model.attention import LAST, AttentionMap
from camfuse.model.fusion.cross_attention import Kind
from camfuse.model.resnet3d import ResNet3d
from camfuse.report.attention import attention_sheet, bars, draw_attention, glow, spread, sum_up

R, P, SIDE = 2, 4, 3


def alike(*shape: int, keys: int) -> torch.Tensor:
    """Weights of queries that look everywhere alike: the last `keys` axes are the keys'."""
    weights = torch.ones(shape)
    return weights / weights.sum(tuple(range(len(shape) - keys, len(shape))), keepdim=True)


def test_looking_everywhere_alike_is_one() -> None:
    maps = [
        AttentionMap("s3", "time", "rgb", "pose", alike(1, R, SIDE, SIDE, P, keys=1)),
        AttentionMap("s3", "time", "pose", "rgb", alike(1, P, SIDE, SIDE, R, keys=1)),
        AttentionMap("s3", "space", "rgb", "pose", alike(1, R, SIDE, SIDE, SIDE, SIDE, keys=2)),
        AttentionMap("s3", "space", "pose", "rgb", alike(1, P, SIDE, SIDE, SIDE, SIDE, keys=2)),
        AttentionMap("s4", "time", "rgb", "pose", torch.zeros(1, R, 1, 1, P)),  # of a later stage
    ]
    looks = sum_up(maps, R)
    assert looks.times["pose"] == pytest.approx(np.ones(P))
    assert looks.times["rgb"] == pytest.approx(np.ones(R))
    assert looks.places["pose", "rgb"] == pytest.approx(np.ones((R, SIDE, SIDE)))
    assert looks.places["rgb", "pose"] == pytest.approx(np.ones((R, SIDE, SIDE)))


def test_places_and_frames_by_hand() -> None:
    """RGB looks at pose frame 3 only; pose frames 2 and 3 look at place (0, 2) of RGB frame 1, the others anywhere."""
    time = torch.zeros(1, R, SIDE, SIDE, P)
    time[..., 3] = 1
    space = alike(1, P, SIDE, SIDE, SIDE, SIDE, keys=2)
    space[0, 2:] = 0
    space[0, 2:, :, :, 0, 2] = 1
    maps = [AttentionMap("s4", "time", "rgb", "pose", time), AttentionMap("s4", "space", "pose", "rgb", space)]
    looks = sum_up(maps, R)
    assert looks.times["pose"] == pytest.approx([0, 0, 0, 4])
    assert list(looks.times) == ["pose"] and list(looks.places) == [("pose", "rgb")]
    in_rgb = looks.places["pose", "rgb"]
    assert in_rgb[0] == pytest.approx(np.ones((SIDE, SIDE)))
    assert in_rgb[1, 0, 2] == pytest.approx(9)
    assert in_rgb[1].sum() == pytest.approx(9)


def test_joint_attention_gives_both() -> None:
    weights = torch.zeros(1, R, SIDE, SIDE, P, SIDE, SIDE)
    weights[0, 0, :, :, 1, 1, 1] = 1  # RGB frame 0 looks at the middle of pose frame 1
    weights[0, 1, :, :, 2, 0, 0] = 1
    looks = sum_up([AttentionMap("s4", "joint", "rgb", "pose", weights)], R)
    assert looks.times["pose"] == pytest.approx([0, 2, 2, 0])
    in_pose = looks.places["rgb", "pose"]
    assert in_pose[0, 1, 1] == in_pose[1, 0, 0] == pytest.approx(9)


def test_the_sequence_and_pose_look_at_each_other() -> None:
    """All moments look at the middle of pose frame 3; pose looks at moment 1 of three."""
    to_sequence, to_pose = torch.zeros(1, 3, P, SIDE, SIDE), torch.zeros(1, P, SIDE, SIDE, 3)
    to_sequence[..., 3, 1, 1] = 1
    to_pose[..., 1] = 1
    maps = [
        AttentionMap(LAST, "joint", "sequence", "pose", to_sequence),
        AttentionMap(LAST, "joint", "pose", "sequence", to_pose),
    ]
    looks = sum_up(maps, 2)
    assert looks.times["pose"] == pytest.approx([0, 0, 0, 4])
    assert looks.times["sequence"] == pytest.approx([0, 3, 0])
    assert list(looks.places) == [("sequence", "pose")]
    in_pose = looks.places["sequence", "pose"]
    assert in_pose.shape == (2, SIDE, SIDE)
    assert in_pose[0].sum() == 0 and in_pose[1, 1, 1] == pytest.approx(9)


def test_what_two_streams_look_at_is_their_mean() -> None:
    first, last = torch.zeros(1, R, SIDE, SIDE, P), torch.zeros(1, 3, P, SIDE, SIDE)
    first[..., 3] = 1
    last[:, :, 1, 0, 0] = 1
    maps = [AttentionMap("s3", "time", "rgb", "pose", first), AttentionMap(LAST, "joint", "sequence", "pose", last)]
    assert sum_up(maps, R).times["pose"] == pytest.approx([0, 2, 0, 2])


def test_nobody_to_look_at() -> None:
    maps = [AttentionMap("s4", "space", "rgb", "pose", torch.zeros(1, R, SIDE, SIDE, SIDE, SIDE))]
    assert sum_up(maps, R).places["rgb", "pose"] == pytest.approx(np.zeros((R, SIDE, SIDE)))


def test_an_equal_share_leaves_the_image_as_it_is() -> None:
    image = np.random.default_rng(0).integers(0, 256, (16, 16, 3)).astype(np.uint8)
    assert (glow(image, np.ones((4, 4), np.float32)) == image).all()
    half = np.ones((4, 4), np.float32)
    half[:, :2], half[:, 2:] = 0.5, 3
    drawn = glow(image, half)
    assert (drawn[:12, 0] == (image[:12, 0] * 0.5).round()).all()
    assert (drawn[:12, 12] == (255, 94, 58)).all()  # where the last place is centred; beyond, an equal share


def test_a_place_is_drawn_where_its_centre_is() -> None:
    values = spread(np.array([[0.5, 0.5], [0.5, 2.5]], np.float32), 32, 32)
    assert np.unravel_index(values.argmax(), values.shape) == (16, 16)
    assert values[0, 0] == 0.5 and values[-1, -1] < 1.2


@pytest.mark.parametrize("places", [2, 4])
def test_place_i_of_a_stream_is_centred_on_i_of_the_side(places: int) -> None:
    """What moves a place of the last features is centred there, padding at the edges aside."""
    side = places * 32
    torch.manual_seed(0)
    stream = ResNet3d(3, 4, depths=(1,) * 4, strides=(1, 2, 2, 2), inflate=(False,) * 4, stem_stride=2).eval()
    x = torch.rand(1, 3, 2, side, side, requires_grad=True)
    features = stream(x)
    assert features.shape[-2:] == (places, places)
    place = places - 1
    (slope,) = torch.autograd.grad(features[..., place, place].sum(), x)
    share = slope.abs().sum((0, 1, 2, 3)).double()
    centre = float((share * torch.arange(side)).sum() / share.sum()) / side
    assert centre == pytest.approx(place / places, abs=0.04)


def test_bars_are_as_high_as_their_share() -> None:
    drawn = bars({"rgb": np.array([3.0], np.float32), "pose": np.array([1.5, 0.0], np.float32)})
    filled = (drawn[:-1] != 255).any(2)
    heights = [int(filled[:, x].sum()) for x in range(drawn.shape[1])]
    assert max(heights) >= drawn.shape[0] - 3
    assert sum(height > drawn.shape[0] * 0.4 for height in heights) > drawn.shape[1] * 0.3


def seen(*kinds: Kind) -> list[AttentionMap]:
    """What RGB and pose look at in each other: everything alike."""
    keys = {"time": (P,), "space": (SIDE, SIDE)}
    return [
        AttentionMap("s4", kind, "rgb", "pose", alike(1, R, SIDE, SIDE, *keys[kind], keys=len(keys[kind])))
        for kind in kinds
    ]


@pytest.mark.parametrize("kind", ["time", "space"])
def test_a_fusion_with_one_kind_of_attention_is_drawn(kind: Kind) -> None:
    rgb, heatmaps = torch.zeros(3, R, 32, 32, dtype=torch.uint8), torch.zeros(133, P, 8, 8, dtype=torch.uint8)
    sheet = attention_sheet("book", "clip", seen(kind), rgb, heatmaps)
    assert sheet.shape[1] > R * 128 and (sheet.shape[0] > 180) == (kind == "space")


def test_maps_of_zoomed_hands_do_not_lie_on_the_crop() -> None:
    rgb, heatmaps = torch.full((3, R, 32, 32), 255, dtype=torch.uint8), torch.zeros(133, P, 8, 8, dtype=torch.uint8)
    heatmaps[112, :, 4, 4] = 255
    place, zoomed = (
        attention_sheet("book", "clip", seen("space"), rgb, heatmaps, zoomed=zoomed) for zoomed in (False, True)
    )
    assert place.shape == zoomed.shape
    dimmed = [int((sheet == round(0.6 * 255)).all(2).sum()) for sheet in (place, zoomed)]  # a white crop behind maps
    assert dimmed[0] > R * 128 * 100 and dimmed[1] < 100


@pytest.mark.parametrize("streams", [("pose", "sequence"), ("rgb", "sequence"), ("rgb", "pose", "sequence")])
def test_clips_of_a_model_with_the_sequence(make_run: MakeRun, tmp_path: Path, streams: tuple[str, ...]) -> None:
    """Each stream on a grid has a row for each stream that looks at it."""
    model = {name: THREE[name] if name in streams or name == "fusion" else None for name in (*STREAMS, "fusion")}
    run = make_run(tmp_path / "run", {"train": 2, "test": 1}, model=model)
    run.train("fusion")
    one, *_ = draw_attention(run.run, ["test-1-0"])
    grids = [name for name in streams if name != "sequence"]
    rows = len(grids) * len(grids)  # the sequence in each, and each in the other
    assert one.height > rows * 128 + 56 > one.height - 128
    columns = 2 if "rgb" in streams else 4
    assert columns * 128 < one.width < columns * 136 + 40


def test_clips_of_a_trained_run(trained: MadeRun) -> None:
    first, second = draw_attention(trained.run, ["test-1-0", "test-2-0"])
    assert (first.clip_id, first.label, second.label) == ("test-1-0", "null", "blue")
    data = base64.b64decode(first.image.partition(",")[2])
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert image.shape[:2] == (first.height, first.width)
    again, _ = draw_attention(trained.run, ["test-1-0", "test-2-0"])
    assert again == first
