"""Figures of recipes from Python and the command line, query by a whole lab."""

import asyncio
import json
from html import escape
from urllib.parse import parse_qs, urlsplit

import pytest
from typer.testing import CliRunner

from extrapolab import AsyncLab, Conflict, NotFound, Refused
from extrapolab.cli.app import app
from extrapolab.cli.exit_codes import ExitCode


@pytest.fixture
def invoke(lab):
    return lambda *words: CliRunner().invoke(app, ["--url", lab.url, *map(str, words)])


@pytest.fixture
def query(client, spec):
    """A filter that matches two completed experiments."""
    sweep = client.sweep(spec(), [{"path": "training.length", "values": [4, 6]}]).wait(90)
    assert sweep.state == "completed"
    return f"sweep:{sweep.id}"


def test_figure_is_drawn_saved_changed_and_removed(client, query, tmp_path):
    figure = client.figure(query, x="training.length", y="fit_error", name="Fit")
    assert figure.id is None
    assert figure.draw(tmp_path / "fit.pdf").read_bytes().startswith(b"%PDF")
    (line,) = figure.data()["panels"][0]["lines"]
    assert line["x"] == [4.0, 6.0]
    saved = figure.save()
    assert saved.save().id == figure.id
    assert next(client.figures(limit=1)).id == figure.id
    again = client.figure_of(figure.id).change(statistic="max", band="none", y=None)
    assert again.recipe["y"] is None
    assert "relative" not in again.data()["caption"]
    assert "maximum over seeds" in again.draw(tmp_path / "again.svg").read_text()
    again.remove()
    with pytest.raises(NotFound):
        client.figure_of(saved.id)


def test_figure_is_shown_in_a_notebook(client, query):
    figure = client.figure(query, x="lag", series="training.length", name="<errors>")
    output = figure._repr_html_()
    assert "<b>&lt;errors&gt;</b>" in output
    assert escape(figure.page) in output
    parts = parse_qs(urlsplit(figure.page).query)
    assert parts == {name: [str(part)] for name, part in figure.recipe.items()}
    assert "data:image/svg+xml;base64," in output


def test_figure_that_cannot_be_drawn_is_refused(client, tmp_path):
    with pytest.raises(Refused) as caught:
        client.figure("tag:a", x="training.lenth", y="fit").save()
    assert [problem.pointer for problem in caught.value.problems] == ["/x", "/y"]
    with pytest.raises(Conflict, match="completed yet"):
        client.figure("tag:nobody", x="training.length").draw(tmp_path / "a.svg")


def test_async_client_draws_the_same(client, query, lab):
    async def numbers():
        async with AsyncLab(lab.url) as async_lab:
            saved = await async_lab.figure(query, x="step").save()
            ids = [figure.id async for figure in async_lab.figures(limit=1)]
            data = await (await async_lab.figure_of(saved.id)).data()
            await saved.remove()
            return ids, data

    ids, data = asyncio.run(numbers())
    assert ids[0].startswith("fig_")
    expected = client.figure(query, x="step").data()
    assert data["panels"] == expected["panels"]


def test_command_line_draws_saves_changes_and_removes(query, invoke, tmp_path):
    parts = "x=training.length", "y=fit_error", "name=Fit"
    path = tmp_path / "fit.svg"
    assert invoke("recipe", "draw", query, *parts, "-o", path).stdout == f"{path}\n"
    saved = invoke("recipe", "save", query, *parts)
    assert saved.exit_code == ExitCode.OK, saved.output
    name = saved.stdout.strip()
    listed = [json.loads(line) for line in invoke("recipe", "list", "--json").stdout.splitlines()]
    assert name in [figure["id"] for figure in listed]
    assert "fit_error" in invoke("recipe", "list").stdout
    changed = json.loads(
        invoke("recipe", "change", name, "statistic=mean", "series=", "--json").stdout
    )
    assert (changed["id"], changed["recipe"]["statistic"]) == (name, "mean")
    path = tmp_path / "mean.json"
    assert invoke("figure", name, "-o", path).exit_code == ExitCode.OK
    assert json.loads(path.read_text())["title"] == "Fit"
    assert (
        invoke("recipe", "draw", name, "y=train_loss", "name=", "-o", path).exit_code == ExitCode.OK
    )
    assert json.loads(path.read_text())["title"].startswith("Training loss")
    assert invoke("recipe", "remove", name).exit_code == ExitCode.OK
    assert invoke("figure", name, "-o", path).exit_code == ExitCode.REFUSED


def test_options_of_a_figure_reach_the_lab(client, query, invoke, tmp_path):
    first, second = client.query(query)
    path = tmp_path / "a.json"

    def x(written):
        return json.loads(written.read_text())["x"]

    assert x(first.figure("training", path)) == "step"
    assert x(first.figure("training", path, x="time")) == "time"
    written = client.compare_figure("training", first.id, second.id, path=path, x="time")
    assert x(written) == "time"
    for refuse in (
        lambda: first.figure("response", path, x="time"),
        lambda: client.figure(query, x="training.length").draw(path, colour="red"),
        lambda: client.study("balanced").figure("extrapolation", path, x="time"),
    ):
        with pytest.raises(Refused):
            refuse()
    drawn = invoke("figure", first.id, "training", "--x", "time", "-o", path)
    assert (drawn.exit_code, x(path)) == (ExitCode.OK, "time")
    assert invoke("figure", first.id, "training", "-o", path).exit_code == ExitCode.OK
    assert x(path) == "step"
    words = "compare", first.id, second.id, "--figure", "training", "--x", "time", "-o", path
    assert (invoke(*words).exit_code, x(path)) == (ExitCode.OK, "time")
    refused = invoke("figure", first.id, "training", "--out-channel", "2", "-o", path)
    assert (refused.exit_code, "takes no output" in refused.stderr) == (ExitCode.REFUSED, True)


def test_a_figure_for_print_has_its_caption_beside_it(client, query, tmp_path):
    caption, path = tmp_path / "fit.txt", tmp_path / "fit.svg"
    figure = client.figure(query, x="training.length", style="paper", width="ieee", xlim=(1, 9))
    assert 'width="252pt"' in figure.draw(path).read_text()
    assert caption.read_text().strip() == figure.data()["caption"]
    assert "data:image" in figure._repr_html_()
    caption.unlink()
    figure.save().draw(path)
    assert (caption.exists(), figure.recipe["xlim"]) == (True, [1.0, 9.0])
    caption.unlink()
    figure.draw(path, style="screen")
    figure.draw(tmp_path / "fit.json")
    assert not caption.exists()
    experiment = next(iter(client.query(query)))
    experiment.figure("response", path, style="paper", ylim=(1e-9, 2))
    assert "impulse response" in caption.read_text().lower()


def test_looks_on_the_command_line(query, invoke, tmp_path):
    path, caption = tmp_path / "fit.svg", tmp_path / "fit.txt"
    paper = "--style", "paper", "--width", "ieee"
    saved = invoke("recipe", "save", query, "x=training.length", *paper, "xlim=1,9", "--json")
    assert saved.exit_code == ExitCode.OK, saved.output
    content = json.loads(saved.stdout)
    look = {"style": "paper", "width": "ieee", "xlim": [1.0, 9.0]}
    assert content["recipe"].items() >= look.items()
    assert invoke("figure", content["id"], "-o", path).exit_code == ExitCode.OK
    assert ('width="252pt"' in path.read_text(), caption.exists()) == (True, True)
    words = "recipe", "change", content["id"], "width=", "--style", "talk", "--xlim", "-1,9"
    recipe = json.loads(invoke(*words, "--json").stdout)["recipe"]
    assert (recipe["style"], recipe["xlim"], "width" in recipe) == ("talk", [-1.0, 9.0], False)
    refused = invoke("recipe", "draw", query, "x=training.length", "--xlim", "9,1", "-o", path)
    assert (refused.exit_code, "two numbers" in refused.stderr) == (ExitCode.REFUSED, True)


def test_mistakes_on_the_command_line_are_reported(invoke, tmp_path):
    wrong = invoke("recipe", "save", "tag:a", "x=training.length", "colour=red")
    assert (wrong.exit_code, "colour" in wrong.stderr) == (ExitCode.REFUSED, True)
    for words in (
        ["save", "tag:a"],
        ["save", "tag:a", "x"],
        ["draw", "tag:a", "x=lag", "-o", "picture"],
    ):
        assert invoke("recipe", *words).exit_code == ExitCode.USAGE
    assert invoke("figure", "fig_1", "response").exit_code == ExitCode.USAGE
    assert invoke("figure", "exp_1").exit_code == ExitCode.USAGE
