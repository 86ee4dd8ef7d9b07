"""Markdown and HTML."""

import re
from html.parser import HTMLParser

import pytest
from report_samples import EMPTY, REPORT, hostile, recursion

from mdmp.report import as_html, as_markdown
from mdmp.report.options import RenderOptions

ALL = [REPORT, EMPTY, hostile(), recursion()]
ALL_NAMES = ["rich", "empty", "hostile", "deep"]
EVERYTHING = RenderOptions(all_threads=True)


class Page(HTMLParser):
    """Collects what a browser would see, and notes tags that do not close in order."""

    VOID = ("meta", "br")

    def __init__(self):
        super().__init__()
        self.open, self.tags, self.attributes, self.text, self.problems = [], set(), [], "", []

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes += attrs
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.problems.append(tag)

    def handle_data(self, data):
        self.text += data


def page(report, options=EVERYTHING):
    parser = Page()
    parser.feed(as_html.render(report, options))
    parser.close()
    return parser


@pytest.mark.parametrize("report", ALL, ids=ALL_NAMES)
def test_html_is_well_formed_and_holds_nothing_active(report):
    parser = page(report)
    assert not parser.problems
    assert not parser.open
    allowed = "html head meta title style body article h1 h2 p br code pre span ul li table tr td details summary"
    assert parser.tags <= set(allowed.split())
    assert not [name for name, _ in parser.attributes if name.startswith("on") or name in ("src", "href", "style")]


def test_html_shows_everything():
    text = page(REPORT).text
    for part in ("write to a null pointer", "customer.h:42", "this->orders = 1;", "rax is 0", "Thread 1 (id 1002)"):
        assert part in text


def test_html_shows_hostile_text_as_text():
    raw = as_html.render(hostile(), EVERYTHING)
    assert "<script" not in raw
    assert "&lt;script&gt;" in raw
    assert all(char.isprintable() or char == "\n" for char in raw)


def test_several_reports_make_one_page():
    raw = as_html.page([as_html.section(REPORT, EVERYTHING), as_html.failure("a&b.dmp", "no <dump>")])
    assert raw.count("<article>") == 2
    assert raw.count("<!doctype") == 1
    assert "a&amp;b.dmp" in raw


def outside_code(markdown):
    """What a Markdown reader takes for running text."""
    text = re.sub(r"^(`{3,})text\n.*?^\1$", "", markdown, flags=re.S | re.M)
    return re.sub(r"(?<![`\\])(`+)(?!`).*?(?<!`)\1(?!`)", "", text)


@pytest.mark.parametrize("report", ALL, ids=ALL_NAMES)
def test_markdown_has_no_markup_from_the_dump(report):
    text = outside_code(as_markdown.render(report, EVERYTHING))
    tags = set(re.findall(r"(?<!\\)<(/?\w+)", text))
    assert tags <= {"details", "/details", "summary", "/summary"}
    assert "@everyone" not in text
    assert text.count("<details>") == text.count("</details>")


def test_markdown_fences_and_spans_outgrow_their_content():
    assert as_markdown.fenced(["a ``` b"]) == "````text\na ``` b\n````"
    assert as_markdown.code("`anonymous namespace'::f") == "`` `anonymous namespace'::f ``"
    assert as_markdown.code("plain") == "`plain`"


def test_markdown_shows_what_matters():
    text = as_markdown.render(REPORT, RenderOptions())
    assert text.startswith("### write to a null pointer (address 0x18)\n")
    assert "> 42 |     this->orders = 1;" in text
    assert "- **Where:** `shop.exe!Customer::add (C:\\shop\\src\\customer.h:42)`" in text
    assert len(as_markdown.render(REPORT, RenderOptions(brief=True)).splitlines()) <= 8
