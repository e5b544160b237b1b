"""The workflow's commands, acted out: they leave files and say how long they took by made rules."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from camfuse.config import load_config
from camfuse.plan.timing import Timing

START, CLIP, STEP, VIEW, FRAMES = 1.0, 0.5, 0.01, 0.25, 1.5
"""Seconds of a start, a clip of a data stage, a clip of a training step, a sampling of a test clip, its frames."""


class StandIn:
    """`camfuse.plan.timing.timed`; keeps what was called, and fails at the commands named in `fails`."""

    def __init__(self, fails: Sequence[str] = ()) -> None:
        self.called: list[list[str]] = []
        self.fails = fails

    def __call__(self, command: Sequence[str], environment: Mapping[str, str], patience: float) -> Timing:
        words = list(command[3:])
        self.called.append(words)
        if words[0] in self.fails:
            return Timing(1.0, 1.0, 10.0, 2, "ERROR: it is broken")
        options = {words[at][2:]: words[at + 1] for at in range(len(words) - 1) if words[at].startswith("--")}
        seconds = START + getattr(self, words[0].replace("-", "_"), self.stage)(options)
        return Timing(seconds, seconds, 100.0, 0)

    def stage(self, options: dict[str, str]) -> float:
        clips = len(pd.read_csv(options["clips"]))
        path = Path(options["output"])
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes(1000 + 10_000 * clips))
        return CLIP * clips

    def train_part(self, options: dict[str, str]) -> float:
        config, folder = load_config(Path(options["config"])), Path(options["output"])
        phase = getattr(config.train, folder.name.partition("-")[0])
        clips = int((pd.read_csv(config.output / "clips" / "clips.csv")["split"] == "train").sum())
        seconds = clips * phase.repeat // phase.batch * phase.batch * STEP
        lines = [
            f"2026-01-01 00:00:{1 + seconds * epoch:06.3f} INFO camfuse.train.module: rgb epoch {epoch}/"
            f"{phase.epochs}: train loss 1.0 top-1 0.5, gradient norm 1, {1 / STEP:.3g} clips/s, 1% of the time"
            for epoch in range(1, phase.epochs + 1)
        ]
        folder.mkdir(parents=True)
        (folder / "best.ckpt").write_bytes(bytes(2_000_000))
        folder.with_suffix(".log").write_text("\n".join(lines))
        return seconds * phase.epochs

    def evaluate(self, options: dict[str, str]) -> float:
        config = load_config(Path(options["config"]))
        clips = int((pd.read_csv(config.output / "clips" / "clips.csv")["split"] != "train").sum())
        Path(options["output"]).mkdir(parents=True, exist_ok=True)
        return clips * (FRAMES + config.evaluate.samplings * VIEW)

    def report(self, options: dict[str, str]) -> float:
        Path(options["output"]).parent.mkdir(parents=True)
        Path(options["output"]).write_bytes(bytes(3_000_000))
        return 5.0
