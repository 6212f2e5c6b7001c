"""The report: three forms of the same figures, and a page that stands alone."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest
from fixtures_eval import PACK, SUBJECT, ScriptedAsker, build_warehouse, clock_from

from agent.errors import UsageError
from finetune.evaluation.attempts import EvalReport, Mode
from finetune.evaluation.evaluate import EvalOptions, evaluate
from finetune.reports.page import report_html
from finetune.reports.report import read_report, report_json, report_text, write_report


def make(folder: Path, modes: tuple[Mode, ...] = ("agent", "direct")) -> EvalReport:
    warehouse = build_warehouse(folder)
    script = {(question.question, False): question.sql for question in PACK[:3]}
    script[PACK[0].question, True] = "SELECT '<script>alert(1)</script>'"
    ask = ScriptedAsker(warehouse, script)
    try:
        return evaluate(
            PACK, SUBJECT, ask=ask, run_sql=warehouse.execute, clock=clock_from(), options=EvalOptions(modes=modes)
        )
    finally:
        warehouse.close()


@pytest.fixture
def report(tmp_path: Path) -> EvalReport:
    return make(tmp_path)


def test_the_text_says_what_was_evaluated_and_how_it_did(report: EvalReport) -> None:
    text = report_text(report)
    for said in ("scripted", SUBJECT.model_hash[:12], "night-run", SUBJECT.dataset_hash[:12], report.pack_hash[:12]):
        assert said in text
    assert re.search(r"execution accuracy +75\.0%  3/4  \[30\.1%, 95\.4%\] +0\.0%  0/4", text)
    assert "McNemar's exact test p = 0.25" in " ".join(text.split())
    assert "error classes (direct): low_confidence 3" in text
    assert max(map(len, text.splitlines())) <= 100


class Page(HTMLParser):
    """Collects what a page would load, and its tags."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in {"src", "href", "srcset", "data", "action"}]


def test_the_page_stands_alone_and_runs_nothing(report: EvalReport) -> None:
    text = report_html(report)
    page = Page(text)
    assert not page.addresses
    assert not {"script", "link", "img", "iframe", "object"} & set(page.tags)
    assert "url(" not in text
    assert "http://" not in text
    assert "https://" not in text
    assert "default-src 'none'" in text
    assert "prefers-color-scheme:dark" in text


def test_what_came_from_outside_is_escaped(report: EvalReport) -> None:
    text = report_html(report)
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert" in text
    assert "Which &lt;b&gt;region&lt;/b&gt; sold most &amp; why?" in text


def test_charts_are_well_formed_and_described(report: EvalReport) -> None:
    charts = re.findall(r"<svg.*?</svg>", report_html(report), re.S)
    assert len(charts) == 6, "accuracy, outcomes, risk, reliability, and the stages of each mode"
    for chart in charts:
        root = ElementTree.fromstring(chart)
        assert root.get("role") == "img"
        named = {element.get("id"): element.text for element in root if element.tag in {"title", "desc"}}
        assert set((root.get("aria-labelledby") or "").split()) == set(named)
        assert all(named.values())
    assert "agent 3 of 4" in charts[0]
    assert "agent: 3 right, 0 wrong, 1 withheld" in charts[1]


def test_nothing_in_a_chart_leaves_its_frame(report: EvalReport) -> None:
    for chart in re.findall(r"<svg.*?</svg>", report_html(report), re.S):
        root = ElementTree.fromstring(chart)
        _, _, width, height = map(float, (root.get("viewBox") or "").split())
        for bar in root.iter("rect"):
            x, y, w, h = (float(bar.get(name) or 0) for name in ("x", "y", "width", "height"))
            assert x >= 0
            assert x + w <= width
            assert y + h <= height
        for dot in root.iter("circle"):
            x, y, r = (float(dot.get(name) or 0) for name in ("cx", "cy", "r"))
            assert r <= x <= width - r
            assert r <= y <= height - r


def test_a_report_of_one_mode(tmp_path: Path) -> None:
    report = make(tmp_path, ("agent",))
    assert "McNemar" not in report_text(report)
    assert "McNemar" not in report_html(report)


def test_a_report_is_written_and_read_back(report: EvalReport, tmp_path: Path) -> None:
    as_json, page = write_report(report, tmp_path / "out")
    assert read_report(as_json) == report
    assert as_json.read_text(encoding="utf-8") == report_json(report)
    assert page.read_text(encoding="utf-8") == report_html(report)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["report.html", "report.json"]


def test_what_is_no_report_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Cannot read"):
        read_report(tmp_path / "absent.json")
    (tmp_path / "list.json").write_text("[]")
    with pytest.raises(UsageError, match="not an evaluation report"):
        read_report(tmp_path / "list.json")
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(UsageError, match="Cannot write the report"):
        write_report(make(tmp_path), blocked)
