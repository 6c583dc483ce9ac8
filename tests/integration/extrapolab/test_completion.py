"""Completion in a shell: its script is read by real shells, and the ids are those of the lab."""

import shutil
import subprocess

import pytest

from tests.kit.lab import EXTRAPOLAB, environment


def completions(*words, url):
    line = " ".join(["extrapolab", *words])
    request = {
        "_EXTRAPOLAB_COMPLETE": "complete_bash",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(words)),
    }
    result = subprocess.run(
        [EXTRAPOLAB],
        env=environment(EXTRAPOLAB_URL=url, **request),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert not result.stderr
    return result.stdout.split()


def test_commands_and_options_are_completed(lab):
    assert {"submit", "sweep", "study"} <= set(completions("s", url=lab.url))
    assert completions("submit", "--w", url=lab.url) == ["--watch"]
    assert completions("sweep", "ca", url=lab.url) == ["cancel"]


def test_ids_are_completed_from_the_lab(lab, client, spec):
    experiment = client.submit(spec())
    for command in ("status", "watch", "compare", "figure"):
        assert experiment.id in completions(command, experiment.id[:-4], url=lab.url)


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "nonsense"])
def test_without_a_lab_nothing_is_completed_or_printed(url):
    assert completions("status", "exp_", url=url) == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_script_is_valid_in_its_shell(shell):
    script = subprocess.run(
        [EXTRAPOLAB, "completion", shell], capture_output=True, text=True, timeout=60, check=True
    )
    assert f"complete_{shell}" in script.stdout
    if shutil.which(shell):
        subprocess.run([shell, "-n"], input=script.stdout, text=True, timeout=60, check=True)
