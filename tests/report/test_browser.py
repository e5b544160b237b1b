"""The report in a real browser, with its own policy taken off: hostile labels are text by their escaping alone."""

import asyncio
import re
from pathlib import Path

import made_run
import pandas as pd
import pytest
from made_run import write_run

from camfuse.report.page import write_report
from camfuse.run.layout import Run as RunFiles
from tests.report.test_comparison import with_runs
from tests.serve.browser import open_tab

HOSTILE = " ".join(  # one label, as each is a class
    (
        "<script>window.ran = 1</script>",
        '"><img src=x onerror="window.ran = 1">',
        "'><svg onload='window.ran = 1'></svg></title></style></textarea>{{ 7 * 7 }}",
    )
)
POLICY = re.compile(r'<meta http-equiv="Content-Security-Policy"[^>]*>')


@pytest.mark.bad_input("words that are HTML or programs", "text on the report and the page; nothing of them runs")
def test_hostile_labels_are_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(made_run, "LABELS", ("book", "drink", HOSTILE))
    monkeypatch.setattr(made_run, "EVIL", HOSTILE)
    run = with_runs(write_run(tmp_path / "results"))
    table = pd.read_csv(run.folder / "experiments" / "results.csv", keep_default_na=False)
    table.replace("model.fusion.width=64", HOSTILE).to_csv(run.folder / "experiments" / "results.csv", index=False)
    path = tmp_path / "index.html"
    write_report(RunFiles(run.config), path)
    page, count = POLICY.subn("", path.read_text(encoding="utf-8"))
    assert count == 1
    path.write_text(page, encoding="utf-8")

    async def use() -> None:
        async with open_tab(path.as_uri()) as tab:
            await asyncio.sleep(0.3)
            assert await tab.run("window.ran === undefined")
            assert await tab.run("document.querySelectorAll('script, [onerror], [onload], img[src=x]').length") == 0
            text = str(await tab.run("document.body.textContent"))
            assert text.count(HOSTILE) > 5
            assert HOSTILE in str(await tab.run("document.getElementById('results').textContent"))
            assert tab.messages == []

    asyncio.run(use())


def test_the_test_would_see_what_runs(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text(f"<body>{HOSTILE}</body>", encoding="utf-8")

    async def use() -> None:
        async with open_tab((tmp_path / "index.html").as_uri()) as tab:
            await tab.wait("window.ran === 1")

    asyncio.run(use())
