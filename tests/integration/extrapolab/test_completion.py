"""What a shell is told while somebody types: real shells read the script, and the lab knows the ids."""

import shutil
import subprocess

import pytest

from tests.kit.lab import EXTRAPOLAB, environment


def proposed(*words, url):
    line = " ".join(["extrapolab", *words])
    asking = {
        "_EXTRAPOLAB_COMPLETE": "complete_bash",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(words)),
    }
    found = subprocess.run(
        [EXTRAPOLAB],
        env=environment(EXTRAPOLAB_URL=url, **asking),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert not found.stderr
    return found.stdout.split()


def test_commands_options_and_choices_are_proposed(lab):
    assert {"submit", "sweep", "study"} <= set(proposed("s", url=lab.url))
    assert proposed("submit", "--w", url=lab.url) == ["--watch"]
    assert proposed("sweep", "ca", url=lab.url) == ["cancel"]


def test_ids_are_those_of_the_lab(lab, client, spec):
    experiment = client.submit(spec())
    for command in ("status", "watch", "compare", "figure"):
        assert experiment.id in proposed(command, experiment.id[:-4], url=lab.url)


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "nonsense"])
def test_without_a_lab_nothing_is_proposed_and_nothing_said(url):
    assert proposed("status", "exp_", url=url) == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_is_one_that_the_shell_reads(shell):
    script = subprocess.run(
        [EXTRAPOLAB, "completion", shell], capture_output=True, text=True, timeout=60, check=True
    )
    assert f"complete_{shell}" in script.stdout
    if shutil.which(shell):
        subprocess.run([shell, "-n"], input=script.stdout, text=True, timeout=60, check=True)
