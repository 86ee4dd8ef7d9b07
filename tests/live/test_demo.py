"""`mdmp demo`: a program crashes for real, and what is printed explains it."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

if sys.platform not in ("linux", "win32"):
    pytest.skip("nothing can be captured here", allow_module_level=True)

COMPILER = any(shutil.which(name) for name in ("cc", "gcc", "clang", "cl"))


def demo(*options: str, path: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mdmp", "demo", *options],
        env=os.environ | ({"PATH": path} if path else {}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
    )


def stages(output: str) -> list[str]:
    return re.findall("^(Trigger|Capture|Dump|Report|Where|Why) +", output, re.MULTILINE)


@pytest.mark.skipif(not COMPILER, reason="there is no C compiler")
def test_a_compiled_program_to_its_line() -> None:
    done = demo()
    assert (done.returncode, done.stderr) == (0, "")
    assert stages(done.stdout) == ["Trigger", "Capture", "Dump", "Report", "Where", "Why", "Dump"]
    assert "order 1002: Harbour Books pays 41.00\n" in done.stdout
    assert "read from a null pointer (address 0x2c)" in done.stdout
    assert re.search(r"^    > \d+ \|     int discount = order->cents / 100 \* customer->discount;$", done.stdout, re.M)
    assert [f for f in re.findall(r"demo_orders!(\w+)\+", done.stdout) if f != "_start"] == ["price", "bill", "main"]
    dump = re.search(r"^Dump +(\S+), [\d,]+ bytes \(removed", done.stdout, re.M)
    assert dump and not Path(dump[1]).parent.exists(), "nothing is left behind"


@pytest.mark.parametrize("how", ["--no-compiler", "none there"])
def test_python_where_there_is_no_compiler(how: str, tmp_path: Path) -> None:
    done = demo("--no-compiler") if how == "--no-compiler" else demo(path=str(tmp_path))
    assert (done.returncode, done.stderr) == (0, "")
    assert stages(done.stdout) == ["Trigger", "Capture", "Dump", "Report", "Where", "Why", "Dump"]
    assert "run by Python 3." in done.stdout and "read through a null pointer" in done.stdout
    assert re.search("_ctypes|python", done.stdout.partition("Where")[2].splitlines()[0])


def test_kept(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    done = demo("--no-compiler", "--keep", str(folder))
    assert done.returncode == 0 and "removed" not in done.stdout
    (dump,) = folder.glob("*.dmp")
    assert f"{dump}, {dump.stat().st_size:,} bytes\n" in done.stdout
    again = demo("--keep", str(folder))
    assert again.returncode == 2 and "not empty" in again.stderr and not again.stdout


def test_a_compiler_that_does_not_work_is_passed_over(tmp_path: Path) -> None:
    if sys.platform == "win32":
        pytest.skip("a script is no program on Windows")
    for name in ("cc", "gcc", "clang"):
        (tmp_path / name).write_text("#!/bin/false\n")
        (tmp_path / name).chmod(0o755)
    done = demo(path=str(tmp_path))
    assert done.returncode == 0 and "run by Python 3." in done.stdout


@pytest.mark.skipif(sys.platform != "linux" or not COMPILER, reason="a compiled program, and pipes, of Linux")
def test_a_reader_that_goes() -> None:
    script = f"{sys.executable} -m mdmp demo | head -n 1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=120, check=False)
    assert (done.stdout.splitlines()[1:], done.stderr) == (["141"], "")
