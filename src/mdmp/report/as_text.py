"""A report for people at a terminal: what happened, where and why first; the evidence after.

Our own words are ASCII, so that every console can show them.
"""

from collections.abc import Iterable, Sequence

from mdmp.binary.text import safe_text
from mdmp.report import view
from mdmp.report.model import Finding, Report, ThreadReport
from mdmp.report.options import RenderOptions

LABEL = 10
"""Columns of the labels on the left."""
NAME_COLUMN = 64
"""Names longer than this do not push the places of all others to the right."""
PAGE = 100
"""Columns that tables use where the terminal does not tell."""
MAX_LISTED = 20
MAX_TRIED = 6

BOLD, DIM, RED, GREEN, YELLOW, CYAN = "1", "2", "1;31", "32", "33", "36"


def render(report: Report, options: RenderOptions) -> str:
    text = _Text(report, options)
    blocks = text.brief() if options.brief else text.full()
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


class _Text:
    def __init__(self, report: Report, options: RenderOptions) -> None:
        self.report = report
        self.options = options
        self.thread = view.main_thread(report)

    def paint(self, text: str, style: str) -> str:
        return f"\x1b[{style}m{text}\x1b[0m" if self.options.color and text else text

    def labelled(self, label: str, lines: Sequence[str]) -> list[str]:
        """The label beside the first line, the others under the first."""
        head = self.paint(f"{label:<{LABEL}}", BOLD)
        return [(head if i == 0 else " " * LABEL) + line for i, line in enumerate(lines)]

    def brief(self) -> Iterable[list[str]]:
        report, crash = self.report, self.report.crash
        reason = view.reason(report)
        lines = self.labelled("Crash", [self.paint(safe_text(crash.title), RED) + (f"  [{reason}]" if reason else "")])
        where = view.blame_line(report)
        if where and report.blame:
            place = view.place(report.blame.file, report.blame.line)
            lines += self.labelled("Where", [f"{where}  {place}".rstrip()])
        if report.findings:
            finding = report.findings[0]
            lines += self.labelled("Why", [f"{safe_text(finding.title)} ({safe_text(finding.confidence)})"])
        if self.thread and self.thread.frames:
            names = [view.short_name(frame) for frame in self.thread.frames[:6]]
            more = " < ..." if len(self.thread.frames) > len(names) else ""
            lines += self.labelled("Stack", [" < ".join(names) + more])
        if report.failure_bucket_id:
            lines += self.labelled("Bucket", [safe_text(report.failure_bucket_id)])
        elif report.signature:
            lines += self.labelled("Bucket", [safe_text(report.signature)])
        yield lines

    def full(self) -> Iterable[list[str]]:
        report = self.report
        yield self.what()
        yield self.where()
        for finding in report.findings:
            yield self.why(finding)
        if self.thread:
            yield self.stack(self.thread)
            yield self.registers(self.thread)
        yield self.instruction()
        if self.thread:
            yield self.symbols(self.thread)
        yield self.damage()
        if self.options.all_threads:
            for thread in report.threads:
                if thread is not self.thread:
                    yield self.stack(thread)
        elif len(report.threads) > 1:
            others = view.count(len(report.threads) - 1, "more thread")
            yield [self.paint(f"{others}: --all-threads shows the stacks", DIM)]
        yield self.annotations()
        yield self.facts()

    def what(self) -> list[str]:
        report, crash = self.report, self.report.crash
        lines = [self.paint(safe_text(crash.title), RED)]
        reason, process = view.reason(report), view.process_name(report)
        parts = [reason] if reason else []
        if process:
            parts.append(f"in {process}")
        if report.crashing_thread is not None and self.thread:
            parts.append(f"on {_lower(view.thread_title(self.thread))}")
        if parts:
            lines.append(" ".join(parts))
        if crash.assertion:
            lines.append(f"failed assertion: {safe_text(crash.assertion)}")
        return lines + [f"- {safe_text(detail)}" for detail in crash.details]

    def where(self) -> list[str]:
        report, blame = self.report, self.report.blame
        name = view.blame_line(report)
        if blame is None or name is None:
            return []
        place = view.place(blame.file, blame.line)
        lines = [self.paint(name, BOLD)]
        if place:
            lines.append(self.paint(place, CYAN))
        lines.append(self.paint(f"blamed because: {safe_text(blame.why)}", DIM))
        lines = self.labelled("Where", lines)
        source = view.blame_source(report)
        if source:
            lines.append("")
            rows = view.source_lines(source)
            width = len(str(rows[-1].number)) if rows else 0
            for row in rows:
                line = f"{'>' if row.marked else ' '} {row.number:>{width}} | {row.text}"
                lines.append("    " + self.paint(line.rstrip(), BOLD if row.marked else DIM))
            note = view.source_note(source)
            if note:
                lines.append("    " + self.paint(note, YELLOW))
        return lines

    def why(self, finding: Finding) -> list[str]:
        lines = [f"{self.paint(safe_text(finding.title), BOLD)} ({safe_text(finding.confidence)})"]
        lines += [f"{self.paint('+', GREEN)} {safe_text(fact)}" for fact in finding.evidence]
        lines += [f"{self.paint('-', YELLOW)} {safe_text(fact)}" for fact in finding.against]
        if finding.advice:
            lines.append(f"-> {safe_text(finding.advice)}")
        return self.labelled("Why", lines)

    def stack(self, thread: ThreadReport) -> list[str]:
        crashed = thread.index == self.report.crashing_thread
        title = view.thread_title(thread)
        if crashed and not self.report.crash.requested:
            title += ", which crashed"
        if thread.wrote_the_dump:
            title += ", which wrote the dump"
        error = view.last_error(thread)
        if error:
            title += f"; last error {error}"
        lines = [self.paint(title, BOLD)]
        rows = view.stack_rows(self.report, thread, self.options.max_frames)
        if not rows:
            return [*lines, f"   no frames: {safe_text(thread.stop)}"]
        number_width = max(len(row.number) for row in rows)
        names = [row.name + (" [inline]" if row.inline else "") for row in rows]
        fitting = [len(name) for name, row in zip(names, rows, strict=True) if row.place and len(name) <= NAME_COLUMN]
        name_width = max(fitting, default=0)
        for name, row in zip(names, rows, strict=True):
            if row.note:
                lines.append(" " * (number_width + 4) + self.paint(name, DIM))
                continue
            mark = ">" if row.blamed else " "
            head = f" {mark}{row.number:>{number_width}}{'?' if row.guess else ' '} "
            place = self.fitted(row.place, len(head) + max(len(name), name_width) + 2)
            body = self.paint(f"{name:<{name_width}}", BOLD) if mark == ">" else f"{name:<{name_width}}"
            lines.append(f"{head}{body}  {self.paint(place, CYAN)}" if place else f"{head}{name}")
        if any(row.guess for row in rows):
            lines.append(self.paint("   ? found by scanning the stack: may be wrong", DIM))
        if any(frame.managed for frame in thread.frames):
            lines.append(self.paint(f"   {view.MANAGED_NOTE}", DIM))
        lines.append(self.paint(f"   end: {safe_text(thread.stop)}", DIM))
        return lines

    def fitted(self, place: str, column: int) -> str:
        """A path on a terminal that is too narrow for it keeps its end."""
        room = max((self.options.width or 1 << 30) - column, 24)
        return place if len(place) <= room else "..." + place[3 - room :]

    def registers(self, thread: ThreadReport) -> list[str]:
        rows = view.register_rows(self.report, thread, min(self.options.width or PAGE, PAGE) - 2)
        return [self.paint("Registers", BOLD), *(f"  {row}" for row in rows)] if rows else []

    def instruction(self) -> list[str]:
        crash = self.report.crash
        if not view.instruction_matters(crash):
            return []
        lines = [self.paint("Instruction", BOLD), f"  {safe_text(crash.instruction or '')}"]
        lines += [f"    {view.operand(access)}" for access in crash.memory_accesses]
        if crash.explanation:
            lines.append(f"    {safe_text(crash.explanation)}")
        return lines

    def symbols(self, thread: ThreadReport) -> list[str]:
        problems = view.symbol_problems(self.report, thread)
        if not problems:
            return []
        lines = [self.paint(f"Symbols are missing for {view.count(len(problems), 'module')} on this stack", BOLD)]
        width = min(max(len(problem.module) for problem in problems), 40)
        lines += [f"  {problem.module:<{width}}  {problem.problem}" for problem in problems[:MAX_LISTED]]
        tried = view.places_tried(self.report, thread)
        lines += [self.paint(f"    looked in {path}", DIM) for path in tried[:MAX_TRIED]]
        if len(tried) > MAX_TRIED:
            lines.append(self.paint(f"    and {len(tried) - MAX_TRIED} more (--json lists all)", DIM))
        return lines + [f"  -> {hint}" for hint in view.symbol_hints(self.report, thread)]

    def damage(self) -> list[str]:
        issues = self.report.issues
        if not issues:
            return []
        lines = [self.paint("Parts of the input are damaged or missing", YELLOW)]
        lines += [f"  {safe_text(str(issue))}" for issue in issues[:MAX_LISTED]]
        if len(issues) > MAX_LISTED:
            lines.append(f"  and {len(issues) - MAX_LISTED} more (--json lists all)")
        return lines

    def annotations(self) -> list[str]:
        pairs = list(self.report.annotations.items())
        lines = [f"  {safe_text(key)}: {safe_text(value, 200)}" for key, value in pairs[:MAX_LISTED]]
        if len(pairs) > MAX_LISTED:
            lines.append(f"  and {len(pairs) - MAX_LISTED} more (--json lists all)")
        return [self.paint("Annotations", BOLD), *lines] if lines else []

    def facts(self) -> list[str]:
        report = self.report
        lines = self.labelled("Dump", [view.dump_line(report)])
        lines += [f"{'':{LABEL}}{safe_text(comment)}" for comment in report.dump.comments]
        lines += self.labelled("System", [view.system_line(report)])
        process = view.process_line(report)
        if process:
            lines += self.labelled("Process", [process])
        if report.command_line:
            lines += self.labelled("Command", [safe_text(report.command_line)])
        if report.signature:
            lines += self.labelled("Signature", [safe_text(report.signature)])
        if report.failure_bucket_id:
            hashed = f" {{{report.failure_id_hash}}}" if report.failure_id_hash else ""
            lines += self.labelled("Bucket", [safe_text(report.failure_bucket_id) + hashed])
        return lines


def _lower(title: str) -> str:
    return title[:1].lower() + title[1:]
