"""Papers from Python and the command line, written by a whole lab."""

import json

import pytest
from typer.testing import CliRunner

from extrapolab import Conflict, NotFound
from extrapolab.cli.app import app
from extrapolab.cli.exit_codes import ExitCode
from tests.kit.latex import compile_latex

FILES = {"README.txt", "paper.tex", "references.bib", "provenance.json"}


@pytest.fixture
def invoke(lab):
    return lambda *words: CliRunner().invoke(app, ["--url", lab.url, *map(str, words)])


@pytest.fixture
def sweep(client, spec):
    axes = [{"path": "training.length", "values": [3, 4]}]
    return client.sweep(spec(), axes, name="a sweep to write up").wait(90)


def names(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_a_sweep_is_written_up(client, sweep, tmp_path):
    folder = sweep.paper(tmp_path / "new" / "paper")
    drawn = {"figures/lines.pdf", "figures/lines.txt"}
    assert names(folder) == FILES | drawn
    compile_latex(folder)
    figure = client.figure(f"sweep:{sweep.id}", x="training.length").save()
    folder = client.paper(tmp_path / "figures", figure.id, width="ieee")
    assert f"figures/{figure.id}.pdf" in names(folder)
    with pytest.raises(NotFound):
        client.paper(tmp_path / "none", "fig_" + "0" * 32)
    with pytest.raises(Conflict):
        client.study("memoryless", "full").paper(tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_a_folder_with_other_files_is_left_alone(invoke, client, sweep, tmp_path):
    folder = tmp_path / "paper"
    folder.mkdir()
    (folder / "notes.txt").write_text("mine")
    (folder / "paper.tex").write_text("old")
    with pytest.raises(FileExistsError, match="is not empty"):
        sweep.paper(folder)
    refused = invoke("paper", folder, "--sweep", sweep.id)
    assert refused.exit_code == ExitCode.USAGE
    assert "--force" in refused.stderr
    assert (folder / "paper.tex").read_text() == "old"
    assert invoke("paper", folder, "--sweep", sweep.id, "--force").exit_code == 0
    assert (folder / "notes.txt").read_text() == "mine"
    assert (folder / "paper.tex").read_text() != "old"


def test_the_command_says_what_it_wrote_and_how_to_compile_it(invoke, sweep, tmp_path):
    folder = tmp_path / "paper"
    done = invoke("paper", folder, "--query", f"sweep:{sweep.id}")
    assert done.exit_code == 0, done.stderr
    assert f"{folder}/figures/response-2.pdf" in done.stdout
    assert f"cd {folder} && pdflatex paper && bibtex paper" in done.stdout
    again = invoke("paper", folder, "--sweep", sweep.id[:20], "--force", "--json")
    assert str(folder / "paper.tex") in json.loads(again.stdout)["files"]
    assert again.stderr == "Left out: heatmap: a heat map needs two axes; lines need one\n"
    for words in ((), ("--sweep", sweep.id, "--query", "")):
        refused = invoke("paper", tmp_path / "none", *words)
        assert refused.exit_code == ExitCode.USAGE
        assert "--study, --sweep, --query and --figure" in refused.stderr
