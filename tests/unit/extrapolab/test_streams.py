"""Output that can't be written or can't show a character, variables that allow no connection."""

import json
import os
import subprocess
import sys

import pytest

COMMAND = [sys.executable, "-m", "extrapolab"]
SHOWN = """
from extrapolab.cli import streams
from extrapolab.cli.terminal import console, print_error, print_json
from extrapolab.models.experiments import Log
streams.open_streams()
console().print("d\\u0302 = 5")
print_error("\\u03bb")
print_json(Log(attempt=1, text="d\\u0302"))
"""


def run(*arguments, shell="{command}", **environment):
    """Runs a command; the shell's line says what its streams are."""
    line = shell.format(command=" ".join([*COMMAND, *arguments]))
    return subprocess.run(
        ["bash", "-c", line],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize("arguments", ["--help", "completion bash"])
@pytest.mark.parametrize(
    ("shell", "code", "message"),
    [
        ("exec 3> >(true); wait $!; {command} >&3", 141, ""),
        ("{command} > /dev/full", 2, "The output can't be written: No space left on device\n"),
        ("{command} >&-", 2, "The output can't be written: Bad file descriptor\n"),
        ("{command} >&- 2>&-", 2, ""),
    ],
)
def test_output_that_cannot_be_written_is_one_sentence(arguments, shell, code, message):
    result = run(arguments, shell=shell)
    assert (result.returncode, result.stderr) == (code, message)


def test_a_closed_input_is_one_sentence():
    result = run("submit", "-", shell="{command} <&-")
    message = "standard input can't be read: Bad file descriptor\n"
    assert (result.returncode, result.stderr) == (2, message)


@pytest.mark.parametrize(
    "environment",
    [{"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}],
)
def test_output_that_cannot_show_a_character_shows_a_question_mark(environment):
    result = subprocess.run(
        [sys.executable, "-c", SHOWN],
        env=os.environ | environment,
        capture_output=True,
        check=True,
        encoding="ascii",
    )
    line, log = result.stdout.splitlines()
    assert (line, result.stderr) == ("d? = 5", "?\n")
    assert json.loads(log)["text"] == "d̂"


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("ALL_PROXY", "socks5://ada:s3cret@host:1", "pip install socksio"),
        ("HTTPS_PROXY", "foo://ada:s3cret@host:1", "is not of the form http://host:port"),
        ("SSL_CERT_FILE", "/nope.pem", "SSL_CERT_FILE=/nope.pem"),
        ("SSL_CERT_FILE", __file__, "no certificate"),
    ],
)
def test_a_variable_that_allows_no_connection_is_one_sentence(variable, value, message):
    result = run("--url", "https://lab.invalid", "list", **{variable: value})
    assert result.returncode == 2
    assert message in result.stderr
    assert result.stderr.count("\n") == 1
    assert "s3cret" not in result.stderr
