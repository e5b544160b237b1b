"""The commands of README and docs are run, in a checkout of their own whose demo is a small one.

What cannot be run here stands in `NOT_RUN` with its reason; no command is in neither list.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from small_run import SMALL
from test_docs import PAGES, ROOT, typed

RUN = {
    # README and tutorial: the demo, in the order of a first day
    "camfuse doctor": (),
    "snakemake --cores 2 --configfile config/demo.yaml": (),
    "camfuse results --config config/demo.yaml": (),
    "camfuse show ase_C --config config/demo.yaml --output sheet.png": (),
    "camfuse run config/demo.yaml -- --dry-run": (),
    "snakemake --unlock --configfile config/demo.yaml": (),
    "camfuse run config/demo.yaml -- --unlock": (),
    "camfuse run config/demo.yaml": (),
    "snakemake --rerun-incomplete --cores 2 --configfile config/demo.yaml": (),
    "snakemake --forcerun report --cores 2 --configfile config/demo.yaml": (),
    # README, "Your own videos", on the demo's clips
    "camfuse init data/videos": ("--output", "first.yaml"),
    "camfuse init data/videos --guess-signers": ("--output", "second.yaml"),
    "camfuse show CLIP_ID --config config/videos.yaml --output sheet.png": (),
    "camfuse show some/video.mp4 --config config/videos.yaml --output sheet.png": (),
    "camfuse show --worst 20 --config config/videos.yaml --output worst": (),
    "camfuse verify results/videos": (),
    # docs/predict.md; the demo's keypoints came from files, so that an estimator has to be named
    "camfuse predict results/videos clip.mp4 recordings/": ("--estimator", "mediapipe"),
    "camfuse predict results/videos clip.mp4": ("--estimator", "mediapipe"),
    "camfuse predict MODEL clip.mp4": ("--estimator", "mediapipe"),
    "camfuse predict MODEL clip.mp4 recordings/ --top 3": ("--estimator", "mediapipe"),
    "camfuse predict MODEL recordings/ --format csv --output answers.csv": ("--estimator", "mediapipe"),
    "camfuse predict MODEL recordings/ --format jsonl": ("--estimator", "mediapipe"),
    "camfuse predict MODEL clip.mp4 --save drawn.mp4": ("--estimator", "mediapipe"),
    "camfuse predict MODEL recordings/ --save drawn/": ("--estimator", "mediapipe"),
    "camfuse predict MODEL clip.mp4 --live": ("--estimator", "mediapipe"),
    "camfuse enroll results/videos coffee clips/coffee/": ("--estimator", "mediapipe"),
    "camfuse predict MODEL clip.mp4 --only-enrolled": ("--estimator", "mediapipe"),
    "camfuse forget MODEL coffee": (),
}
"""What is run, in this order, and what is added to it for the stand-in of a run that there is."""
STAND_INS = {"results/videos": "results/demo", "MODEL": "results/demo", "CLIP_ID": "ase_C"}
NOT_RUN = {
    r"make ": "sets up the machine or runs the suites; CI runs check and alltests",
    r".*(wlasl|asl_citizen|lsa64)": "needs the data set, or fetches weights; the readers are tested on stand-ins",
    r"snakemake .*(--use-conda|--cache)": "needs conda or a shared cache; tests/workflow has a stand-in",
    r"snakemake (data )?--cores 4 --configfile config/videos.yaml": "the demo's way with MediaPipe, minutes",
    r"camfuse run videos.yaml": "the same",
    r"camfuse .*signs.(yaml|csv)": "a table of one's own; tests/test_docs.py reads the example",
    r"snakemake ablation": "half an hour; tests/workflow runs a small one",
    r"camfuse (serve|predict .*--camera)": "serves, or looks, until it is ended: tests/serve, tests/predict",
    r"camfuse export|camfuse predict signs.onnx": "needs onnx; tests/predict exports where it is",
    r"camfuse enroll MODEL coffee clips/coffee/\*": "the same as with a folder; a shell would fill in the star",
    r"camfuse weights CONFIG": "stands for any config",
    r"camfuse run letters": "minutes; the demo's way with more letters, whose table tests/clips/sources makes",
    r"camfuse pretrain": "needs prepared data sets; tests/train runs it",
}
"""What is not, by how it begins, and why."""


def commands() -> list[str]:
    return list(dict.fromkeys(" ".join(words) for page in sorted(PAGES) for words in typed(page)))


def test_every_command_is_run_or_has_a_reason_not_to_be() -> None:
    missing = [one for one in commands() if one not in RUN and not any(re.match(known, one) for known in NOT_RUN)]
    assert not missing, f"neither run nor given a reason: {missing}"
    assert set(RUN) <= set(commands()), "a command that no page has any more"


@pytest.mark.torture
def test_the_commands_of_readme_and_docs_run(tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).exists() and not name.startswith("tests/"):
            (checkout / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, checkout / name, follow_symlinks=False)
    (checkout / "config" / "demo.yaml").write_text(yaml.safe_dump(SMALL | {"output": "results/demo"}))
    failed = []
    for command, more in RUN.items():
        program, *words = shlex.split(command)
        if not (checkout / "data").exists() and "data/videos" in words:
            lay_out_videos(checkout)
            in_checkout(checkout, "camfuse", "clips", "--config", "config/videos.yaml").check_returncode()
        given = [STAND_INS.get(word, word) for word in words]
        if "CLIP_ID" in words or "--worst" in words:  # of the run that there is
            given = ["config/demo.yaml" if word == "config/videos.yaml" else word for word in given]
        done = in_checkout(checkout, program, *given, *more)
        if done.returncode != 0:
            failed.append(f"{command}: {done.returncode}\n{done.stderr[-1500:]}")
    assert not failed, "\n\n".join(failed)


def in_checkout(checkout: Path, program: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a program of the environment there, with the checkout's own package."""
    command = [str(Path(sys.executable).parent / program), *words]
    environment = os.environ | {"PYTHONPATH": str(checkout)}
    return subprocess.run(
        command, cwd=checkout, env=environment, capture_output=True, text=True, check=False, timeout=900
    )


def lay_out_videos(checkout: Path) -> None:
    """Give the demo's drawn clips the names that the docs have for videos of one's own."""
    drawn = sorted((checkout / "results" / "demo" / "avatars").rglob("*.mp4"))
    for number, path in enumerate(drawn):
        signer, _, letter = path.stem.partition("_")
        places = [f"data/videos/{letter}/{signer}.mp4"]
        places += [f"recordings/{number}.mp4", f"clips/coffee/{number}.mp4"] if number < 2 else []
        places += ["clip.mp4", "some/video.mp4"] if number == 0 else []
        for place in places:
            (checkout / place).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, checkout / place)
