"""A snapshot to a report: the one place that puts the parts of the analysis in order."""

from collections.abc import Callable

from mdmp.analysis import module_reports, system_facts
from mdmp.analysis.blame import blame, system_module_names
from mdmp.analysis.bucket import failure_bucket_id, failure_id_hash
from mdmp.analysis.choose_thread import choose_exception, choose_thread
from mdmp.analysis.crash_reason import CrashReason, pointer_size
from mdmp.analysis.instruction import explain_instruction
from mdmp.analysis.instruction_facts import InstructionFacts
from mdmp.analysis.process_code import ProcessCode, ProcessMemory
from mdmp.analysis.python_exception import python_blame
from mdmp.analysis.reason import crash_reason
from mdmp.analysis.refine import refine
from mdmp.analysis.rules.case import Case
from mdmp.analysis.rules.table import find_all
from mdmp.analysis.signature import signature
from mdmp.analysis.stacks import Stacks, walk_threads
from mdmp.report import Crash, DumpFacts, Report
from mdmp.snapshot import ExceptionRecord, Snapshot
from mdmp.symbols.source_text import SourceFolders
from mdmp.symbols.symbols import Symbols
from mdmp.unwind import DEFAULT_LIMIT


def analyze_snapshot(
    snapshot: Snapshot,
    symbols: Symbols,
    sources: SourceFolders,
    *,
    max_frames: int = DEFAULT_LIMIT,
    progress: Callable[[str], None] | None = None,
) -> Report:
    """The report on a snapshot. Nothing in the snapshot makes this raise; what is missing is left out."""
    code = ProcessCode(snapshot, symbols)
    memory = ProcessMemory(snapshot, code)
    exception = choose_exception(snapshot)
    crashing, _ = choose_thread(snapshot, exception)
    thread = (snapshot.threads or ())[crashing] if crashing is not None else None
    context = (exception.context if exception else None) or (thread.context if thread else None)
    reported = crash_reason(snapshot, exception, memory)
    instruction = explain_instruction(snapshot, context, reported, thread, memory)
    reason = refine(reported, instruction)
    stacks = Stacks(snapshot, code, sources, max_frames)
    threads = walk_threads(stacks, snapshot, crashing, context, progress)
    modules = module_reports.loaded(snapshot, symbols, code.managed, threads)
    main = module_reports.main_module(snapshot)
    stack = threads[crashing] if crashing is not None else None
    frames = stack.frames if stack else ()
    of_the_system = system_module_names(
        ((m.name, m.path) for m in modules), modules[main].name if main is not None else None
    )
    blamed = blame(crashing, frames, of_the_system, reason) if crashing is not None else None
    if blamed and stack and crashing is not None:
        stack = stacks.with_source(stack, blamed)
        threads = (*threads[:crashing], stack, *threads[crashing + 1 :])
    if reason.kind == "python" and crashing is not None:
        blamed = python_blame(snapshot, crashing, blamed)
    case = Case(snapshot, reason, instruction, thread, stack, threads, blamed, memory)
    lost = exception is None and snapshot.exceptions_lost
    has_bucket = snapshot.system.os == "windows" and not lost and reason.kind != "python"
    bucket = failure_bucket_id(reason, blamed) if has_bucket else None
    system = snapshot.system
    return Report(
        dump=_dump_facts(snapshot),
        os=system.os,
        os_name=system_facts.os_name(system),
        os_version=system_facts.os_version(system),
        os_product=system_facts.product(snapshot),
        cpu=system.cpu,
        pointer_size=pointer_size(snapshot),
        cpu_info=system_facts.cpu_info(system),
        cpu_count=system.cpu_count,
        pid=snapshot.process.pid,
        uptime=system_facts.uptime(snapshot),
        command_line=snapshot.process.command_line,
        crash=_crash(snapshot, exception, reason, instruction),
        crashing_thread=crashing,
        threads=threads,
        modules=modules,
        main_module=main,
        unloaded_modules=module_reports.unloaded(snapshot),
        runtime=str(code.managed.runtime) if code.managed.runtime else None,
        blame=blamed,
        signature=signature(reason, blamed, frames, of_the_system),
        failure_bucket_id=bucket,
        failure_id_hash=failure_id_hash(bucket) if bucket else None,
        findings=find_all(case),
        annotations=system_facts.annotations(snapshot),
        lsb_release=system_facts.lsb_release(snapshot),
        mac_crash_info=snapshot.annotations.mac_crash_info,
        mac_boot_args=snapshot.annotations.mac_boot_args,
        soft_errors=snapshot.annotations.soft_errors,
        handle_count=None if snapshot.handles is None else len(snapshot.handles),
        linux_memory_map_count=system_facts.memory_map_count(snapshot),
        issues=(*snapshot.issues, *symbols.issues),
    )


def _crash(
    snapshot: Snapshot, exception: ExceptionRecord | None, reason: CrashReason, facts: InstructionFacts | None
) -> Crash:
    real = facts.fault_address if facts and facts.fault_address != reason.address else None
    through_null = facts is not None and facts.register is not None and facts.register_value == 0
    return Crash(
        reason=reason.name,
        title=reason.title,
        code=reason.code,
        code_name=reason.code_name,
        address=reason.address,
        access=reason.access,
        real_address=real,
        null_offset=reason.address if through_null and real is None else None,
        parameters=exception.parameters if exception else (),
        details=reason.details,
        instruction=facts.text if facts else None,
        explanation=facts.explanation if facts else None,
        memory_accesses=facts.accesses if facts else (),
        assertion=snapshot.annotations.assertion,
        requested=reason.requested,
    )


def _dump_facts(snapshot: Snapshot) -> DumpFacts:
    origin = snapshot.origin
    return DumpFacts(
        kind=origin.kind,
        path=origin.path,
        size=origin.size,
        time=origin.time,
        writer=origin.writer,
        memory_bytes=sum(size for _, size in snapshot.memory.ranges),
        comments=snapshot.annotations.comments,
    )
