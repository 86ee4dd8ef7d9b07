"""`mdmp doctor system` on this machine."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from mdmp.monitor.doctor.self_test import KINDS

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="this is for Linux")
SCOPE = Path("/proc/sys/kernel/yama/ptrace_scope")


def doctor(*options: str, **environment: str) -> tuple[int, dict[str, list[dict[str, object]]]]:
    command = [sys.executable, "-m", "mdmp", "doctor", "system", "--json", *options]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=300, env={**os.environ, **environment})
    assert ended.returncode in (0, 1), ended.stderr
    return ended.returncode, json.loads(ended.stdout)


def test_this_system_is_examined() -> None:
    code, told = doctor()
    checks = {check["name"]: check for check in told["checks"]}
    assert {"core_pattern", "ptrace", "ptrace_scope", "suid_dumpable", "log", "policy", "folder", "disk"} <= set(checks)
    assert (code == 1) == any(check["state"] == "bad" for check in told["checks"])


def test_the_policy_of_the_environment_counts(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    code, told = doctor(MDMP_DUMP_FOLDER=str(tmp_path / "file"), MDMP_DUMP_EXCLUDE="shop")
    assert code == 1
    assert {"folder"} <= {str(check["name"]) for check in told["checks"] if check["state"] == "bad"}
    _, told = doctor("--program", "shop", MDMP_DUMP_EXCLUDE="shop")
    (policy,) = [check for check in told["checks"] if check["name"] == "policy"]
    assert policy["state"] == "bad" and "environment" in str(policy["text"])


@pytest.mark.slow
@pytest.mark.skipif(SCOPE.exists() and SCOPE.read_text().strip() in "23", reason="only root may trace here")
def test_programs_are_crashed_in_every_way() -> None:
    scratch = set(Path(tempfile.gettempdir()).glob("mdmp-doctor-*"))
    _, told = doctor("--self-test")
    trials = told["self_test"]
    assert {str(trial["kind"]) for trial in trials} == set(KINDS)
    watched = [trial for trial in trials if trial["way"] != "system"]
    assert len(watched) == 3 * len(KINDS)
    libstdcpp = any(
        Path(folder).glob("libstdc++.so.6") for folder in ("/usr/lib", "/lib64", "/usr/lib/x86_64-linux-gnu")
    )
    for trial in watched:
        if trial["kind"] != "cpp_exception" or libstdcpp:
            assert trial["good"], trial
    assert set(Path(tempfile.gettempdir()).glob("mdmp-doctor-*")) <= scratch
