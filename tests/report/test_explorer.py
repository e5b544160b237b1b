"""The confusion of many classes: what the script is given, and what it does in a browser."""

import asyncio
import base64
import hashlib
import json
import re
from pathlib import Path

import made_run
import numpy as np
import pandas as pd
import pytest
from made_run import write_run

from camfuse.report.explorer import as_data, explore
from camfuse.report.page import write_report
from camfuse.run.layout import Run as RunFiles
from tests.serve.browser import Tab, open_tab

HOSTILE = "</script><script>window.ran = 1</script><!--<img src=x onerror='window.ran = 1'>"
WORDS, CLIPS = 2000, 2878
READY = "!document.getElementById('explorer').hidden"
PICK = """(() => { const box = document.getElementById('explorer-search');
box.value = %s; box.dispatchEvent(new Event('change'));
return document.getElementById('explorer-word').textContent; })()"""
INK = """(() => { const c = document.getElementById('explorer-canvas');
const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data; let n = 0;
for (let i = 0; i < d.length; i += 4) if (Math.abs(d[i] - d[i + 1]) > 60) n += 1; return n; })()"""


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a test of WLASL-2000's size, one of its words hostile."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(made_run, "LABELS", ("book", "drink", HOSTILE))
        patch.setattr(made_run, "EVIL", HOSTILE)
        run = write_run(tmp_path_factory.mktemp("large") / "results")
    words = ["book", "drink", HOSTILE, *(f"word {number}" for number in range(3, WORDS))]
    pd.DataFrame({"class_index": range(WORDS), "label": words}).to_csv(run.folder / "clips/classes.csv", index=False)
    path = run.folder / "evaluate/predictions.csv"
    own = pd.read_csv(path, keep_default_na=False)
    draw = np.random.default_rng(0)
    true = draw.integers(3, WORDS, CLIPS)
    taken = np.where(draw.random(CLIPS) < 0.5, true, draw.integers(3, WORDS, CLIPS))
    made = {"clip_id": [f"made_{number}" for number in range(CLIPS)], "label": [words[one] for one in true]}
    made |= {"top1_label": [words[one] for one in taken], "top1_probability": draw.random(CLIPS).round(6)}
    pd.concat([own, pd.DataFrame(made)]).to_csv(path, index=False)
    write_report(RunFiles(run.config), run.page)
    return run.page


def test_only_cells_with_clips_and_nothing_that_ends_an_element() -> None:
    found = explore(np.array([[2, 0], [1, 0]]), ["a", "</script>&"])
    assert not set("<>&") & set(found.data)
    assert json.loads(found.data) == {"labels": ["a", "</script>&"], "cells": [[0, 0, 2], [1, 0, 1]]}
    assert as_data("é") == '"\\u00e9"'


def test_the_policy_lets_this_script_run_and_no_other(large: Path) -> None:
    page = large.read_text(encoding="utf-8")
    scripts = re.findall(r"<script>(.*?)</script>", page, re.S)
    digest = base64.b64encode(hashlib.sha256(scripts[0].encode()).digest()).decode()
    assert len(scripts) == 1 and f"script-src 'sha256-{digest}';" in page
    assert "unsafe-inline" not in page.split("script-src")[1].split(";")[0]


def test_a_page_of_two_thousand_words_is_small_and_soon_open(large: Path) -> None:
    assert large.stat().st_size < 20e6

    async def use() -> float:
        async with open_tab(large.as_uri()) as tab:
            await tab.wait(READY)
            return float(await tab.run("performance.getEntriesByType('navigation')[0].loadEventEnd"))

    assert asyncio.run(use()) < 3000


def test_search_zoom_and_choice(large: Path) -> None:
    async def use(tab: Tab) -> None:
        await tab.wait(READY)
        whole = await tab.run(INK)
        assert whole > CLIPS / 2  # every cell is seen at once
        assert "drink: 1 of 2 clips right" in await tab.run(PICK % json.dumps("DRINK"))
        text = await tab.run("document.getElementById('explorer-word').textContent")
        assert "Taken for: book \u00d7 1" in text and f"Others taken for it: {HOSTILE} \u00d7 1" in text
        assert await tab.run(INK) > 100
        await tab.run("document.querySelector('#explorer-word button').click()")
        assert (await tab.run("document.getElementById('explorer-word').textContent")).startswith("book: 2 of 2")
        assert "No word like" in await tab.run(PICK % json.dumps("nothing"))
        for button in ("in", "out", "all"):
            await tab.run(f"document.getElementById('explorer-{button}').click()")
        assert await tab.run(INK) == whole
        assert await tab.run("window.ran === undefined") and not [one for one in tab.messages if "Canvas2D" not in one]

    async def opened() -> None:
        async with open_tab(large.as_uri()) as tab:
            await use(tab)

    asyncio.run(opened())
