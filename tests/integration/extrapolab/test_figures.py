"""Figures of recipes from Python and the command line, drawn by a real lab."""

import asyncio
import json

import pytest
from typer.testing import CliRunner

from extrapolab import AsyncLab, Conflict, NotFound, Refused
from extrapolab.cli.app import app
from extrapolab.cli.exit_codes import Exit


@pytest.fixture
def invoke(lab):
    return lambda *words: CliRunner().invoke(app, ["--url", lab.url, *map(str, words)])


@pytest.fixture
def drawn(client, spec):
    """A filter that finds two completed experiments."""
    sweep = client.sweep(spec(), [{"path": "training.length", "values": [4, 6]}]).wait(90)
    assert sweep.state == "completed"
    return f"sweep:{sweep.id}"


def test_a_figure_is_drawn_saved_changed_and_removed(client, drawn, tmp_path):
    figure = client.figure(drawn, x="training.length", y="fit_error", name="Fit")
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


def test_a_figure_shows_itself_in_a_notebook(client, drawn):
    shown = client.figure(drawn, x="lag", series="training.length", name="<errors>")._repr_html_()
    assert "<b>&lt;errors&gt;</b>" in shown
    assert "data:image/svg+xml;base64," in shown


def test_what_can_not_be_drawn_is_told(client, tmp_path):
    with pytest.raises(Refused) as caught:
        client.figure("tag:a", x="training.lenth", y="fit").save()
    assert [problem.pointer for problem in caught.value.problems] == ["/x", "/y"]
    with pytest.raises(Conflict, match="completed yet"):
        client.figure("tag:nobody", x="training.length").draw(tmp_path / "a.svg")


def test_programs_with_a_loop_draw_the_same(client, drawn, lab):
    async def numbers():
        async with AsyncLab(lab.url) as there:
            saved = await there.figure(drawn, x="step").save()
            found = [figure.id async for figure in there.figures(limit=1)]
            data = await (await there.figure_of(saved.id)).data()
            await saved.remove()
            return found, data

    found, data = asyncio.run(numbers())
    assert found[0].startswith("fig_")
    expected = client.figure(drawn, x="step").data()
    assert data["panels"] == expected["panels"]


def test_the_command_line_does_it_all(drawn, invoke, tmp_path):
    parts = "x=training.length", "y=fit_error", "name=Fit"
    path = tmp_path / "fit.svg"
    assert invoke("recipe", "draw", drawn, *parts, "-o", path).stdout == f"{path}\n"
    saved = invoke("recipe", "save", drawn, *parts)
    assert saved.exit_code == Exit.OK, saved.output
    name = saved.stdout.strip()
    listed = [json.loads(line) for line in invoke("recipe", "list", "--json").stdout.splitlines()]
    assert name in [one["id"] for one in listed]
    assert "fit_error" in invoke("recipe", "list").stdout
    changed = json.loads(
        invoke("recipe", "change", name, "statistic=mean", "series=", "--json").stdout
    )
    assert (changed["id"], changed["recipe"]["statistic"]) == (name, "mean")
    path = tmp_path / "mean.json"
    assert invoke("figure", name, "-o", path).exit_code == Exit.OK
    assert json.loads(path.read_text())["title"] == "Fit"
    assert invoke("recipe", "draw", name, "y=train_loss", "name=", "-o", path).exit_code == Exit.OK
    assert json.loads(path.read_text())["title"].startswith("training loss")
    assert invoke("recipe", "remove", name).exit_code == Exit.OK
    assert invoke("figure", name, "-o", path).exit_code == Exit.REFUSED


def test_mistakes_on_the_command_line_are_told(invoke, tmp_path):
    wrong = invoke("recipe", "save", "tag:a", "x=training.length", "colour=red")
    assert (wrong.exit_code, "colour" in wrong.stderr) == (Exit.REFUSED, True)
    for words in (
        ["save", "tag:a"],
        ["save", "tag:a", "x"],
        ["draw", "tag:a", "x=lag", "-o", "picture"],
    ):
        assert invoke("recipe", *words).exit_code == Exit.USAGE
    assert invoke("figure", "fig_1", "response").exit_code == Exit.USAGE
    assert invoke("figure", "exp_1").exit_code == Exit.USAGE
