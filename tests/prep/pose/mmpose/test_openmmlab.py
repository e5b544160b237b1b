"""Checkpoints of OpenMMLab's forms: which are opened, and into which network."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from camfuse.errors import WeightsError
from camfuse.weights.needed import Needed, Weights, check_weights, sha256_of
from tests.prep.pose.mmpose.scenes import (
    SMALL,
    files,
    named,
    needs_mmpose,
    whole_config,
)


class Bomb:
    """Pickled, it makes a folder when it is opened."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


@needs_mmpose
def test_a_file_that_could_run_a_program_needs_its_whole_hash(folder: Path, tmp_path: Path, reference: Any) -> None:
    from camfuse.prep.pose.mmpose.openmmlab import read_checkpoint

    network, good = reference(SMALL)
    harm = tmp_path / "harm"
    path = files().save_checkpoint(network, tmp_path / "bad.pth", extra=Bomb(harm))
    for known in (None, sha256_of(path)[:8]):
        with pytest.raises(WeightsError, match=f"could run a program.*sha256: {sha256_of(path)}"):
            read_checkpoint(Weights(path, sha256_of(path), known))
    needed = Needed("pose.mmpose.weights", whole_config(folder, good, good).pose.mmpose.weights, path)  # type: ignore[union-attr]
    with pytest.raises(WeightsError, match="another one"):
        check_weights(needed)
    assert not harm.exists()
    assert "message_hub" in read_checkpoint(good)  # loss histories, opened since the whole hash is known


@needs_mmpose
def test_a_published_file_opens_by_its_first_digits(tmp_path: Path, reference: Any) -> None:
    import torch

    from camfuse.prep.pose.mmpose.openmmlab import build_hrnet, load_weights

    network, _ = reference(SMALL)
    path = tmp_path / "published.pth"
    state = {f"module.{name}": value for name, value in network.state_dict().items()}
    state = {name.replace("module.head", "module.keypoint_head"): value for name, value in state.items()}
    torch.save({"meta": {"epoch": 210, "score": np.float64(0.66), "ap": np.ones(3)}, "state_dict": state}, path)
    empty = build_hrnet(SMALL)
    load_weights(empty, Weights(path, sha256_of(path), sha256_of(path)[:8]))
    for name, value in network.state_dict().items():
        assert torch.equal(empty.state_dict()[name], value), name


@needs_mmpose
def test_weights_of_another_network_are_refused(reference: Any, detector: Any, tmp_path: Path) -> None:
    from camfuse.prep.pose.mmpose.openmmlab import build_hrnet, load_weights

    with pytest.raises(WeightsError, match="expected weights of TopdownPoseEstimator"):
        load_weights(build_hrnet(SMALL), detector[1])
    with pytest.raises(WeightsError, match="not the weights of this network"):
        load_weights(build_hrnet(SMALL), reference("hrnet_w48_256x192")[1])
    damaged = tmp_path / "damaged.pth"
    damaged.write_bytes(b"<html>404</html>")
    with pytest.raises(WeightsError, match=r"damaged\.pth"):
        load_weights(build_hrnet(SMALL), named(damaged))
