"""docs/faults.md is written from what tests recorded, and a part of it may be made anew."""

from __future__ import annotations

from pathlib import Path

from tests.faults.report import merged, rows_of, sections

RESULTS = """<testsuites><testsuite>
<testcase classname="tests.faults.test_soak" name="test_it_lasts" time="30">
  <properties><property name="changes" value="40"/><property name="late, s" value="0.5"/></properties></testcase>
<testcase classname="tests.faults.test_black_box" name="test_it_holds_when[redis_freezes-1]" time="45">
  <properties><property name="slowest, s" value="0.25"/></properties></testcase>
<testcase classname="tests.faults.test_black_box" name="test_it_holds_when[redis_freezes-2]" time="45">
  <properties><property name="slowest, s" value="0.75"/></properties><failure message="late"/></testcase>
</testsuite></testsuites>"""


def _page(folder: Path, results: str, made: str, before: str = "") -> str:
    file = folder / "results.xml"
    file.write_text(results)
    return merged(before, sections(rows_of(file), made))


def test_the_page_says_what_was_seen_and_what_failed(tmp_path: Path) -> None:
    lines = _page(tmp_path, RESULTS, "on a Sunday").splitlines()
    assert lines[0] == "# Faults"
    assert [line for line in lines if line.startswith("## ")] == ["## Black box", "## Soak"]
    assert "2 runs in 1.5 minutes, **1 failed**; on a Sunday." in lines
    assert "| it holds when redis freezes | 2 | 1 | slowest, s: at most 0.75 |" in lines
    assert "| it lasts | 1 |  | changes: 40; late, s: at most 0.5 |" in lines


def test_a_part_that_is_made_anew_leaves_the_others_as_they_were(tmp_path: Path) -> None:
    before = _page(tmp_path, RESULTS, "on a Sunday")
    only_soak = "\n".join(line for line in RESULTS.replace("40", "50").splitlines() if "slowest" not in line)
    only_soak = "\n".join(line for line in only_soak.splitlines() if "black_box" not in line)
    undated = "\n## Another\n\n| what | runs |\n"
    after = _page(tmp_path, only_soak, "on a Monday", before + undated)
    assert after.replace("Monday", "Sunday").replace("50", "40") == before
    assert after.count("on a Monday.") == after.count("on a Sunday.") == 1
