"""The start of the command line: what it imports before its first request, and Ctrl-C meanwhile."""

import os
import subprocess
import sys

import pytest

HEAVY = {
    *("numpy", "core.spec", "yaml", "rfc8785", "rich", "asyncio"),
    *(
        "extrapolab.client.reproduction",
        "extrapolab.client.asynchronous.lab",
        "psutil",
        "sqlalchemy",
    ),
}
MOST_MODULES = 440
"""As many as typer, httpx2, pydantic and a few modules of ours; Rich follows the answer."""

AT_CONNECTION = """
import os, sys
def observe(event, arguments):
    if event == "socket.connect":
        print(*sys.modules)
        sys.stdout.flush()
        os._exit(0)
sys.addaudithook(observe)
"""
INTERRUPTED = """
import os, sys
def observe(event, arguments):
    if event == "import" and arguments[0] == {module!r}:
        os.kill(os.getpid(), 2)
sys.addaudithook(observe)
"""
MAIN = "from extrapolab.__main__ import main\nmain()"


def run(code, *arguments, **environment):
    return subprocess.run(
        [sys.executable, "-c", code + MAIN, *arguments],
        env=os.environ | {"EXTRAPOLAB_URL": "http://127.0.0.1:9"} | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize(
    "command",
    [
        *("list", "workers", "query tag:a", "status exp_1", "result exp_1", "cancel exp_1"),
        *("figure exp_1 response", "sweep list", "study list", "export tag:a -o a.csv"),
    ],
)
def test_little_is_imported_before_the_first_request(command):
    modules = set(run(AT_CONNECTION, *command.split()).stdout.split())
    assert "httpx2" in modules
    assert sorted(HEAVY & modules) == []
    assert len(modules) < MOST_MODULES


@pytest.mark.parametrize(
    "module",
    [
        *("extrapolab.cli", "signal", "typer", "extrapolab.cli.queue_tables"),
        *("pydantic_core._pydantic_core", "extrapolab.client.connection.transport"),
    ],
)
def test_ctrl_c_is_quiet_while_modules_are_imported(module):
    result = run(INTERRUPTED.format(module=module), "workers")
    assert (result.returncode, result.stdout, result.stderr) == (130, "", "")


def test_ctrl_c_is_quiet_at_the_end():
    code = "import atexit, os\natexit.register(lambda: os.kill(os.getpid(), 2))\n"
    result = run(code, "--version")
    assert (result.returncode, result.stderr) == (130, "")
    assert result.stdout.startswith("extrapolab ")


def test_a_background_job_that_ignores_ctrl_c_goes_on_doing_so():
    code = "import os, signal\nsignal.signal(2, signal.SIG_IGN)\n"
    code += "import atexit; atexit.register(lambda: print(signal.getsignal(2) is signal.SIG_IGN))\n"
    assert run(code, "--version").stdout.endswith("True\n")
