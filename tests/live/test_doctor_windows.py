"""`mdmp doctor system` under Windows Python and Wine."""

import json

import pytest
from wine import Wine

pytestmark = pytest.mark.wine


def test_this_system_is_examined(windows: Wine) -> None:
    done = windows.run_mdmp("doctor", "system", "--json")
    assert done.returncode in (0, 1), done.stderr
    checks = {check["name"]: check for check in json.loads(done.stdout)["checks"]}
    assert {"system", "wer", "debug_privilege", "snapshot", "dbghelp", "policy", "folder", "disk"} <= set(checks)
    assert checks["dbghelp"]["state"] == "ok"
    assert checks["folder"]["state"] == "ok"


@pytest.mark.slow
def test_programs_are_crashed_in_every_way(windows: Wine) -> None:
    done = windows.run_mdmp("doctor", "system", "--json", "--self-test", timeout=400)
    for trial in json.loads(done.stdout)["self_test"]:
        assert trial["good"] or trial["way"] == "system", trial
