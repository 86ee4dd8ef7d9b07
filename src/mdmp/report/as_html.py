"""A report as one self-contained page: no scripts, nothing loaded from elsewhere, light and dark."""

from collections.abc import Iterable, Sequence
from html import escape

from mdmp.binary.text import safe_text
from mdmp.report import view
from mdmp.report.model import Finding, Report, ThreadReport
from mdmp.report.options import RenderOptions

STYLE = """\
:root { color-scheme: light dark; --soft: #6b7280; --line: #d4d7dc; --red: #b42318; --mark: #fff3c4; --box: #f6f7f9; }
@media (prefers-color-scheme: dark) {
  :root { --soft: #9aa1ac; --line: #3a3f47; --red: #ff8a7a; --mark: #4a3d0c; --box: #1f2227; }
}
body { font: 15px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; margin: 0 0 .3rem; color: var(--red); overflow-wrap: anywhere; }
h2 { font-size: 1.05rem; margin: 1.6rem 0 .4rem; }
p, ul { margin: .3rem 0; }
code, pre, table { font: 13px/1.5 ui-monospace, Consolas, monospace; }
code, td { overflow-wrap: anywhere; }
pre { background: var(--box); padding: .6rem .8rem; overflow-x: auto; border-radius: 6px; }
table { border-collapse: collapse; width: 100%; }
td, th { text-align: left; vertical-align: top; padding: .1rem .8rem .1rem 0; border-bottom: 1px solid var(--line); }
summary { cursor: pointer; margin: .5rem 0; font-weight: 600; }
article + article { border-top: 2px solid var(--line); margin-top: 2.5rem; padding-top: 1.5rem; }
.soft { color: var(--soft); }
.marked { background: var(--mark); }
.inline td:nth-child(2)::after { content: " inline"; color: var(--soft); }
"""


def render(report: Report, options: RenderOptions) -> str:
    return page([section(report, options)])


def page(sections: Sequence[str]) -> str:
    """The whole page of one or several reports."""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        f"<title>Crash report</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n"
        + "\n".join(sections)
        + "\n</body>\n</html>\n"
    )


def section(report: Report, options: RenderOptions) -> str:
    """The part of a page that shows one report."""
    parts = _brief(report) if options.brief else _full(report, options)
    return "<article>\n" + "\n".join(part for part in parts if part) + "\n</article>"


def failure(path: str, problem: str) -> str:
    """The part that stands for a file of which there is no report."""
    return f"<article>\n<h1>{text(path)}</h1>\n<p>{text(problem)}</p>\n</article>"


def _brief(report: Report) -> Iterable[str]:
    yield f"<h1>{text(report.crash.title)}</h1>"
    yield _what(report)
    yield _where(report)


def _full(report: Report, options: RenderOptions) -> Iterable[str]:
    thread = view.main_thread(report)
    yield from _brief(report)
    for finding in report.findings:
        yield _finding(finding)
    if thread:
        yield f"<h2>{text(_stack_title(report, thread))}</h2>"
        yield _stack(report, thread, options)
        yield _instruction(report)
        yield _registers(report, thread)
        yield _symbols(report, thread)
    else:
        yield _instruction(report)
    if report.issues:
        yield "<h2>Damaged or missing parts of the input</h2>" + _list(str(issue) for issue in report.issues)
    yield _dump(report)
    others = [other for other in report.threads if other is not thread]
    if others:
        inner = "".join(
            _details(_stack_title(report, other), _stack(report, other, options), options.all_threads)
            for other in others
        )
        yield f"<h2>{view.count(len(others), 'other thread')}</h2>" + inner
    if report.modules:
        yield _details(view.count(len(report.modules), "module"), _modules(report))
    if report.annotations:
        rows = [(code(key), code(value)) for key, value in report.annotations.items()]
        yield _details(view.count(len(rows), "annotation"), _table(rows))


def _what(report: Report) -> str:
    reason, process = view.reason(report), view.process_name(report)
    words = (code(reason) if reason else "") + (f" in {code(process)}" if process else "")
    lines = [f"<p>{words}</p>"] if words else []
    if report.crash.assertion:
        lines.append(f"<p>Failed assertion: {code(report.crash.assertion)}</p>")
    if report.crash.details:
        lines.append(_list(report.crash.details))
    return "\n".join(lines)


def _where(report: Report) -> str:
    blame, name = report.blame, view.blame_line(report)
    if blame is None or name is None:
        return ""
    place = view.place(blame.file, blame.line)
    lines = [f"<h2>Where</h2>\n<p>{code(name)}" + (f"<br>{code(place)}" if place else "") + "</p>"]
    lines.append(f'<p class="soft">Blamed because: {text(blame.why)}</p>')
    source = view.blame_source(report)
    if source:
        rows = view.source_lines(source)
        width = len(str(rows[-1].number)) if rows else 0
        shown = [
            f'<span class="{"marked" if row.marked else "soft"}">{row.number:>{width}} | {escape(row.text)}</span>'
            for row in rows
        ]
        lines.append("<pre>" + "\n".join(shown) + "</pre>")
        note = view.source_note(source)
        if note:
            lines.append(f"<p>{text(note)}</p>")
    return "\n".join(lines)


def _finding(finding: Finding) -> str:
    lines = [f'<h2>{text(finding.title)} <span class="soft">({text(finding.confidence)})</span></h2>']
    lines.append(_list([*finding.evidence, *(f"but: {fact}" for fact in finding.against)]))
    if finding.advice:
        lines.append(f"<p>{text(finding.advice)}</p>")
    return "\n".join(lines)


def _stack_title(report: Report, thread: ThreadReport) -> str:
    title = view.thread_title(thread)
    if thread.index == report.crashing_thread and not report.crash.requested:
        title += ", which crashed"
    error = view.last_error(thread)
    return f"{title}; last error {error}" if error else title


def _stack(report: Report, thread: ThreadReport, options: RenderOptions) -> str:
    rows = view.stack_rows(report, thread, options.max_frames)
    cells = []
    for row in rows:
        kinds = [name for name, yes in (("inline", row.inline), ("marked", row.blamed)) if yes]
        classes = f' class="{" ".join(kinds)}"' if kinds else ""
        number = escape(row.number) + ('<span title="found by scanning the stack: may be wrong">?</span>' * row.guess)
        cells.append(f"<tr{classes}><td>{number}</td><td>{escape(row.name)}</td><td>{escape(row.place)}</td></tr>")
    end = f'<p class="soft">End: {text(thread.stop)}</p>'
    return ("<table>\n" + "\n".join(cells) + "\n</table>\n" if cells else "") + end


def _instruction(report: Report) -> str:
    crash = report.crash
    if not view.instruction_matters(crash):
        return ""
    facts = [view.operand(access) for access in crash.memory_accesses]
    if crash.explanation:
        facts.append(crash.explanation)
    return f"<h2>Instruction</h2>\n<p>{code(crash.instruction or '')}</p>" + _list(facts)


def _registers(report: Report, thread: ThreadReport) -> str:
    rows = view.register_rows(report, thread)
    if not rows:
        return ""
    return "<h2>Registers</h2>\n<pre>" + escape("\n".join(rows)) + "</pre>"


def _symbols(report: Report, thread: ThreadReport) -> str:
    problems = view.symbol_problems(report, thread)
    if not problems:
        return ""
    rows = [(code(problem.module), text(problem.problem)) for problem in problems]
    tried = view.places_tried(report, thread)
    where = _details("Where we looked", _list(tried)) if tried else ""
    return f"<h2>Symbols are missing</h2>\n{_list(view.symbol_hints(report, thread))}{_table(rows)}{where}"


def _dump(report: Report) -> str:
    rows = [
        ("Dump", view.dump_line(report)),
        *(("Comment", comment) for comment in report.dump.comments),
        ("File", report.dump.path),
        ("System", view.system_line(report)),
        ("Process", view.process_line(report)),
        ("Command", report.command_line),
        ("Signature", report.signature),
        ("Bucket", report.failure_bucket_id),
        ("Bucket hash", report.failure_id_hash),
    ]
    return "<h2>The dump</h2>\n" + _table([(text(name), code(value)) for name, value in rows if value])


def _modules(report: Report) -> str:
    digits = 2 * report.pointer_size
    return _table(
        [
            (
                code(f"{module.base:0{digits}x}"),
                code(module.name),
                text(module.version or ""),
                code(module.debug_id or ""),
                text(module.symbols.status),
            )
            for module in report.modules
        ]
    )


def _table(rows: Iterable[Sequence[str]]) -> str:
    """Cells are HTML already."""
    body = "\n".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table>\n{body}\n</table>"


def _details(title: str, body: str, is_open: bool = False) -> str:
    return f"<details{' open' if is_open else ''}><summary>{text(title)}</summary>\n{body}\n</details>"


def _list(items: Iterable[str]) -> str:
    body = "".join(f"<li>{text(item)}</li>" for item in items)
    return f"<ul>{body}</ul>" if body else ""


def text(words: str) -> str:
    return escape(safe_text(words))


def code(words: str) -> str:
    return f"<code>{text(words)}</code>" if words else ""
