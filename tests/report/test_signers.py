"""Accuracy by person on the page."""

import json
import re

from made_results import made_results, made_score
from made_run import Run

from camfuse.clips.signers import SignerCounts
from camfuse.evaluate.results import Results
from camfuse.evaluate.signers import SignerScore
from camfuse.files import write_text
from camfuse.report.signers import describe_people, signer_chart
from tests.report.page_text import Text, written


def scores(*seen: bool | None) -> tuple[SignerScore, ...]:
    return tuple(SignerScore(f"s{n}", kind, 4, {"rgb": 2, "fused": 4 - n}) for n, kind in enumerate(seen))


def results(*seen: bool | None) -> Results:
    rows = {"rgb": made_score(0.5), "fused": made_score(0.9)}
    return made_results(rows, signers=SignerCounts(4, 4, 0), by_signer=scores(*seen))


def test_people_in_training_stand_beside_new_ones() -> None:
    found = describe_people(results(True, False))
    assert found and found.gap and found.table
    assert found.gap.rows[1] == ("Fused", "100.00 (51.0 to 100.0)", "75.00 (30.1 to 95.4)", "+25.0 (-28.1 to +69.9)")
    assert found.gap.strong == {1}
    assert [row[0] for row in found.table.rows] == ["s1", "s0"]
    assert "from 75% to 100% right" in found.note


def test_without_both_kinds_the_page_says_what_is_not_measured() -> None:
    new, known = (describe_people(results(kind, kind)) for kind in (False, True))
    assert new and known and new.gap is None and known.gap is None
    assert "None of them is in training" in new.note and "All of them are in training" in known.note


def test_unknown_people_are_one_line(run: Run) -> None:
    path = run.folder / "evaluate" / "results.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    assert "People" not in Text(written(run)).sections["results"]  # a file of an earlier version
    write_text(path, json.dumps(content | {"signers": {"unseen": 0, "seen": 0, "unknown": 6}}))
    assert "Who signs the tested clips is not known" in Text(written(run)).sections["results"]


def test_who_is_not_known_to_be_new_is_not_drawn_as_new() -> None:
    people = [SignerScore(f"s{number}", seen, 2, {"rgb": 1}) for number, seen in enumerate((True, False, None))]
    kinds = re.findall(r'class="person (\w+)"', signer_chart(people, "rgb"))
    assert kinds == ["known", "new", "unknown"]


def test_a_name_cannot_become_markup() -> None:
    svg = signer_chart([SignerScore("<script>", None, 2, {"rgb": 1})], "rgb")
    assert "<script" not in svg and "&lt;script&gt;" in svg
