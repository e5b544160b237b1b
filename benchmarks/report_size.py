"""How large a report of 2,000 words is, and how fast a browser opens it.

A finished run's page is written again with the results of a made test of WLASL-2000's size: 2,000 words, 2,878 clips,
119 people, among them the run's own test clips, so that drawings and videos are real. Then Chromium opens the file:

    python -m benchmarks.report_size results/demo --output benchmarks/results/report_size.md

The run's folder is copied, never changed. Times are the page's own (Navigation Timing): until its document is parsed
and its script has run, and until it is loaded; the median of five openings, each in a browser of its own.
"""

import argparse
import asyncio
import json
import shutil
import statistics
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from camfuse.clips.table import read_classes
from camfuse.evaluate.reliability import measure_reliability
from camfuse.report.page import write_report
from camfuse.run.layout import Run
from tests.serve.browser import open_tab

WORDS, CLIPS, PEOPLE, OPENINGS = 2000, 2878, 119, 5
RIGHT = 0.53
TIMES = """(() => { const t = performance.getEntriesByType('navigation')[0];
return [t.domContentLoadedEventEnd, t.loadEventEnd, document.getElementById('explorer').hidden ? 0 : 1]; })()"""


def main() -> None:
    """Write the page, open it, say what was measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="folder of a finished run")
    parser.add_argument("--output", type=Path, help="Markdown file to write")
    parser.add_argument("--page", type=Path, help="keep the page here")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "run"
        shutil.copytree(asked.run, copy, ignore=shutil.ignore_patterns("train", "avatars"))
        make_large(Run.from_folder(copy))
        page = Path(folder) / "index.html"
        write_report(Run.from_folder(copy), page)
        if asked.page:
            shutil.copy(page, asked.page)
        times = [asyncio.run(opened(page)) for _ in range(OPENINGS)]
        said = describe(page.stat().st_size, times)
    print(said)
    if asked.output:
        asked.output.write_text(said, encoding="utf-8")


def make_large(run: Run) -> None:
    """Put a made test of WLASL-2000's size in the place of the run's own, around the run's own test clips."""
    draw = np.random.default_rng(0)
    own = pd.read_csv(run.evaluation.predictions, keep_default_na=False, dtype={"clip_id": str})
    known = read_classes(run.clip_files.classes)
    words = [*known, *(f"word {number}" for number in range(WORDS - len(known)))]
    pd.DataFrame({"class_index": range(WORDS), "label": words}).to_csv(run.clip_files.classes, index=False)
    true = draw.integers(0, WORDS, CLIPS - len(own))
    taken = np.where(draw.random(len(true)) < RIGHT, true, draw.integers(0, WORDS, len(true)))
    made = pd.DataFrame(
        {
            "clip_id": [f"made_{number:05d}" for number in range(len(true))],
            "label": [words[one] for one in true],
            "top1_label": [words[one] for one in taken],
            "top1_probability": draw.random(len(true)).round(6),
        }
    )
    pd.concat([own[list(made.columns)], made]).to_csv(run.evaluation.predictions, index=False)
    content = json.loads(run.evaluation.results.read_text())
    rows = list(content["reliability"])
    right = {row: int(24 * RIGHT) for row in rows}
    content["by_signer"] = [
        {"signer": f"person {one}", "seen": one % 3 > 0, "clips": 24, "right": right} for one in range(PEOPLE)
    ]
    curves = measure_reliability({"any": torch.rand(CLIPS, 50).softmax(1)}, torch.zeros(CLIPS).long(), {})["any"]
    content["reliability"] = dict.fromkeys(rows, curves.content())
    run.evaluation.results.write_text(json.dumps(content | {"classes": WORDS}))


async def opened(page: Path) -> tuple[float, float]:
    """Open the page; return the milliseconds until it is parsed and until it is loaded."""
    async with open_tab(page.as_uri()) as tab:
        parsed, loaded, ran = await tab.run(TIMES)
        assert ran and not tab.messages, tab.messages
        return parsed, loaded


def describe(size: int, times: list[tuple[float, float]]) -> str:
    """Say the size and the medians."""
    parsed, loaded = (statistics.median(each) for each in zip(*times, strict=True))
    slowest = max(loaded for _, loaded in times)
    return (
        "# The report at 2,000 words\n\n"
        "| | found | aim |\n|---|---|---|\n"
        f"| size of the page | {size / 1e6:.1f} MB | below 20 MB |\n"
        f"| parsed, its script run (median of {len(times)}) | {parsed / 1000:.2f} s | |\n"
        f"| loaded (median of {len(times)}) | {loaded / 1000:.2f} s | below 3 s |\n"
        f"| loaded, slowest | {slowest / 1000:.2f} s | |\n\n"
        f"{WORDS:,} words, {CLIPS:,} test clips, {PEOPLE} people, with the drawings and videos of the demo's clips;\n"
        "headless Chromium on two shared cores. `python -m benchmarks.report_size RUN` makes it again.\n"
    )


if __name__ == "__main__":
    main()
