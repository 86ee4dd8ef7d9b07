"""A report to paste into an issue tracker: plain Markdown with fenced blocks, no HTML but `<details>`."""

import re
from collections.abc import Iterable, Sequence

from mdmp.binary.text import safe_text
from mdmp.report import view
from mdmp.report.model import Finding, Report, ThreadReport
from mdmp.report.options import RenderOptions

MAX_LISTED = 30


def render(report: Report, options: RenderOptions) -> str:
    blocks = _brief(report) if options.brief else _full(report, options)
    return "\n\n".join(block for block in blocks if block) + "\n"


def _brief(report: Report) -> Iterable[str]:
    yield f"**{escape(report.crash.title)}**"
    yield _facts(report, brief=True)


def _full(report: Report, options: RenderOptions) -> Iterable[str]:
    thread = view.main_thread(report)
    yield f"### {escape(report.crash.title)}"
    yield _facts(report)
    yield _source(report)
    for finding in report.findings:
        yield _finding(finding)
    if thread:
        yield _stack(report, thread, options, heading=True)
    yield _instruction(report)
    if thread:
        yield _details("Registers", fenced(view.register_rows(report, thread)))
        yield _symbols(report, thread)
    if report.issues:
        issues = [str(issue) for issue in report.issues[:MAX_LISTED]]
        yield "**Damaged or missing parts of the input**\n\n" + _bullets(code(issue) for issue in issues)
    if options.all_threads:
        for other in report.threads:
            if other is not thread:
                yield _details(view.thread_title(other), _stack(report, other, options, heading=False))
    yield _details("Loaded modules", fenced(_modules(report)))


def _facts(report: Report, brief: bool = False) -> str:
    rows: list[tuple[str, str | None]] = [("Reason", view.reason(report))]
    if report.crash.assertion:
        rows.append(("Assertion", report.crash.assertion))
    where = view.blame_line(report)
    if where and report.blame:
        place = view.place(report.blame.file, report.blame.line)
        rows.append(("Where", f"{where} ({place})" if place else where))
    if brief:
        rows.append(("Bucket", report.failure_bucket_id or report.signature))
    else:
        rows += [
            ("Process", view.process_line(report)),
            ("System", view.system_line(report)),
            ("Dump", view.dump_line(report)),
            ("Signature", report.signature),
            ("Bucket", report.failure_bucket_id),
        ]
    lines = [f"- **{name}:** {code(value)}" for name, value in rows if value]
    return "\n".join(lines + [f"- {escape(detail)}" for detail in ([] if brief else report.crash.details)])


def _source(report: Report) -> str:
    source = view.blame_source(report)
    if source is None:
        return ""
    lines = view.source_lines(source)
    width = len(str(lines[-1].number)) if lines else 0
    text = [f"{'>' if line.marked else ' '} {line.number:>{width}} | {line.text}".rstrip() for line in lines]
    note = view.source_note(source)
    return fenced(text) + (f"\n\n{escape(note)}" if note else "")


def _finding(finding: Finding) -> str:
    lines = [f"**{escape(finding.title)}** ({escape(finding.confidence)})", ""]
    lines += [f"- {escape(fact)}" for fact in finding.evidence]
    lines += [f"- but: {escape(fact)}" for fact in finding.against]
    if finding.advice:
        lines += ["", escape(finding.advice)]
    return "\n".join(lines)


def _stack(report: Report, thread: ThreadReport, options: RenderOptions, heading: bool) -> str:
    rows = view.stack_rows(report, thread, options.max_frames)
    number_width = max((len(row.number) for row in rows), default=0)
    lines = []
    for row in rows:
        number = f"{row.number:>{number_width}}{'?' if row.guess else ' '}"
        inline = " [inline]" if row.inline else ""
        place = f"  {row.place}" if row.place else ""
        lines.append(f"{'>' if row.blamed else ' '}{number} {row.name}{inline}{place}")
    if any(row.guess for row in rows):
        lines.append("(? found by scanning the stack: may be wrong)")
    if any(frame.managed for frame in thread.frames):
        lines.append(f"({view.MANAGED_NOTE})")
    if not rows:
        lines.append(f"no frames: {safe_text(thread.stop)}")
    title = f"**{escape(view.thread_title(thread))}**\n\n" if heading else ""
    return title + fenced(lines)


def _instruction(report: Report) -> str:
    crash = report.crash
    if not view.instruction_matters(crash):
        return ""
    facts = [view.operand(access) for access in crash.memory_accesses]
    if crash.explanation:
        facts.append(crash.explanation)
    return f"**Instruction** {code(crash.instruction or '')}\n\n" + _bullets(code(fact) for fact in facts)


def _symbols(report: Report, thread: ThreadReport) -> str:
    problems = view.symbol_problems(report, thread)
    if not problems:
        return ""
    rows = _bullets(f"{code(problem.module)}: {escape(problem.problem)}" for problem in problems[:MAX_LISTED])
    hints = "; ".join(view.symbol_hints(report, thread))
    return f"**Symbols are missing**{f' ({escape(hints)})' if hints else ''}\n\n{rows}"


def _modules(report: Report) -> list[str]:
    digits = 2 * report.pointer_size
    return [
        f"{module.base:0{digits}x} {safe_text(module.name)} {safe_text(module.version or '-')} "
        f"{safe_text(module.debug_id or '-')} {module.symbols.status}"
        for module in report.modules
    ]


def _bullets(items: Iterable[str]) -> str:
    return "\n".join(f"- {item}" for item in items)


def _details(title: str, body: str) -> str:
    if not body:
        return ""
    return f"<details><summary>{_entities(safe_text(title))}</summary>\n\n{body}\n\n</details>"


def fenced(lines: Sequence[str]) -> str:
    """A code block whose fence is longer than any run of backticks inside; empty for no lines."""
    if not lines:
        return ""
    text = "\n".join(lines)
    fence = "`" * max(3, _longest_ticks(text) + 1)
    return f"{fence}text\n{text}\n{fence}"


def code(text: str) -> str:
    """A code span that holds any text."""
    text = safe_text(text)
    ticks = "`" * (_longest_ticks(text) + 1)
    pad = " " if text.startswith("`") or text.endswith("`") or not text.strip() else ""
    return f"{ticks}{pad}{text}{pad}{ticks}"


def escape(text: str) -> str:
    """Running text in which nothing is markup, and nobody is called by name."""
    text = re.sub(r"([\\`*{}\[\]<>#|~!&]|(?<![a-zA-Z0-9])_|_(?![a-zA-Z0-9]))", r"\\\1", safe_text(text))
    return re.sub(r"@(?=\w)", "@\u200b", text).replace("://", ":\u200b//")


def _entities(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("@", "&#64;\u200b")


def _longest_ticks(text: str) -> int:
    return max((len(run) for run in re.findall("`+", text)), default=0)
