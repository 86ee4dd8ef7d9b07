"""The public face: what it costs to import, what it holds, and what it promises."""

import dataclasses
import importlib
import os
import pkgutil
import subprocess
import sys

import pytest

import mdmp


def imported_by(statement):
    """The modules that a statement imports, beyond those that Python itself needs to start."""
    command = [sys.executable, "-X", "importtime", "-c"]
    lists = []
    for code in ("pass", statement):
        done = subprocess.run([*command, code], capture_output=True, text=True, timeout=60, check=True)
        lists.append({line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if "|" in line})
    return lists[1] - lists[0]


def test_the_import_costs_next_to_nothing():
    assert imported_by("import mdmp") <= {"mdmp", "mdmp.version"}


def test_opening_a_dump_needs_no_disassembler_and_no_symbols(data):
    dump = data / "windows" / "null_write_x64.dmp"
    modules = imported_by(f"import mdmp; mdmp.open_dump({str(dump)!r})")
    assert "mdmp.dumpfile.load" in modules
    assert not {"capstone", "demangle", "argparse", "platformdirs", "urllib.request", "socket"} & modules


def test_every_module_can_be_imported():
    others = {"win32": ("linux",), "linux": ("windows",)}.get(sys.platform, ("linux", "windows"))
    for module in pkgutil.walk_packages(mdmp.__path__, "mdmp."):
        if module.name == "mdmp.__main__":
            continue
        try:
            importlib.import_module(module.name)
        except (AssertionError, ImportError):
            # What calls another system says so first.
            assert any(other in module.name for other in others), module.name


def test_the_public_names():
    for name in mdmp.__all__:
        assert getattr(mdmp, name) is not None
    assert mdmp.__version__.count(".") == 2
    with pytest.raises(AttributeError, match="nothing"):
        _ = mdmp.nothing
    namespace = {}
    exec("from mdmp import *", namespace)
    assert set(mdmp.__all__) <= set(namespace)


def test_errors_have_one_base():
    for error in (mdmp.UnusableInputError, mdmp.UsageError, mdmp.FormatError, mdmp.MemoryUnavailable):
        assert issubclass(error, mdmp.MdmpError)
    assert issubclass(mdmp.MemoryUnavailable, LookupError)


def test_paths_of_every_kind(data, tmp_path):
    dump = data / "windows" / "null_write_x64.dmp"
    for path in (str(dump), dump):
        assert mdmp.open_dump(path).origin.path == os.fspath(dump)
    for wrong in (tmp_path, tmp_path / "none.dmp", data / "windows" / "shop.exe"):
        with pytest.raises(mdmp.UnusableInputError) as caught:
            mdmp.open_dump(wrong)
        assert "\n" not in str(caught.value)


def test_both_nouns_are_frozen(data):
    snapshot = mdmp.open_dump(data / "windows" / "null_write_x64.dmp")
    report = mdmp.analyze(snapshot)
    for noun in (snapshot, report, snapshot.threads[0], report.threads[0].frames[0]):
        name = dataclasses.fields(noun)[0].name
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(noun, name, None)


def test_the_same_snapshot_gives_the_same_report(data):
    snapshot = mdmp.open_dump(data / "windows" / "named_threads_x64.dmp")
    assert mdmp.analyze(snapshot) == mdmp.analyze(snapshot)


def test_the_environment_is_not_looked_at(data, tmp_path, monkeypatch):
    dump = tmp_path / "crash.dmp"
    dump.write_bytes((data / "windows" / "null_write_x64.dmp").read_bytes())
    folder = str(data / "windows")
    monkeypatch.setenv("_NT_SYMBOL_PATH", folder)
    snapshot = mdmp.open_dump(dump)
    report = mdmp.analyze(snapshot)
    assert report.blame.line is None
    assert mdmp.analyze(snapshot, symbol_path=folder).blame.line == 10


WATCHER = """
import sys
seen = []
sys.addaudithook(lambda event, arguments: seen.append((event, arguments)))
from mdmp.cli.__main__ import main
assert main(sys.argv[1:]) == 0
network = [event for event, _ in seen if event.startswith(("socket.", "urllib.", "http.", "ftplib.", "smtplib."))]
started = [event for event, _ in seen if event in ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn")]
written = [a[0] for event, a in seen if event == "open" and isinstance(a[1], str) and set(a[1]) & set("wax+")]
print(network, started, [name for name in written if not str(name).endswith(".pyc")], file=sys.stderr)
"""


def test_nothing_leaves_the_machine(data, tmp_path):
    """As `docs/privacy.md` says, with a symbol path that names a server and a share."""
    path = f"srv*{tmp_path}*https://symbols.invalid/download;\\\\server.invalid\\share"
    dump = data / "windows" / "cpp_throw_x64.dmp"
    done = subprocess.run(
        [sys.executable, "-B", "-c", WATCHER, "analyze", str(dump), "--all-threads"],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "_NT_SYMBOL_PATH": path, "MDMP_CACHE": str(tmp_path / "cache")},
    )
    assert done.stderr == "[] [] []\n"
    assert os.listdir(tmp_path) == []


def test_arguments_may_be_any_iterables(data):
    snapshot = mdmp.open_dump(data / "windows" / "null_write_x64.dmp")
    folder = data / "windows"
    said = []
    report = mdmp.analyze(
        snapshot, symbols=iter([folder]), images={str(folder)}, sources=(folder / "src",), progress=said.append
    )
    assert report.threads[0].frames[0].source.verified
    assert len(mdmp.analyze(snapshot, max_frames=2).threads[0].frames) == 2
