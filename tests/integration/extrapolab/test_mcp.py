"""A lab's tools as agents use them: the MCP SDK's own client, over stdio and over HTTP."""

import base64
import json
import subprocess
import sys

import anyio
import httpx2
import pytest
from mcp import Client, StdioServerParameters
from typer.testing import CliRunner

import extrapolab.mcp
from extrapolab.cli.app import app
from extrapolab.cli.exit_codes import ExitCode
from tests.kit.lab import EXTRAPOLAB, environment

READING = {
    *("find_experiments", "read_experiment", "tabulate", "read_series", "list_fields"),
    *("draw_experiment", "draw_query", "draw_study", "check_theorem", "check_spec"),
    *("list_studies", "read_study"),
}
WRITING = {"submit_experiment", "cancel_experiment"}


class Agent:
    """A connected client that reads answers."""

    def __init__(self, client):
        self.client = client

    async def tools(self):
        return {tool.name: tool for tool in (await self.client.list_tools()).tools}

    async def ask(self, name, /, **arguments):
        """The answer of a tool, which must not be an error."""
        result = await self.client.call_tool(name, arguments)
        assert not result.is_error, result.content
        (content,) = result.content
        return json.loads(content.text)

    async def draw(self, name, /, **arguments):
        """The image and its caption."""
        result = await self.client.call_tool(name, arguments)
        assert not result.is_error, result.content
        image, caption = result.content
        assert image.mime_type == "image/png"
        return base64.b64decode(image.data), caption.text

    async def refusal(self, name, /, **arguments):
        """The message of a tool that must refuse."""
        result = await self.client.call_tool(name, arguments)
        assert result.is_error
        return result.content[0].text


def run(server, test, *values):
    """Runs a test with an agent that is connected to a server."""

    async def connected():
        async with Client(server) as client:
            await test(Agent(client), *values)

    anyio.run(connected)


def over_stdio(url):
    arguments = ["--url", url, "mcp"]
    return StdioServerParameters(command=str(EXTRAPOLAB), args=arguments, env=environment())


@pytest.fixture(scope="module")
def over_http(lab):
    """The URL of tools that may write, served on a free port."""
    command = [EXTRAPOLAB, "--url", lab.url, "mcp", "--write", "--http", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment()) as process:
        yield process.stderr.readline().removeprefix("The tools are at ").strip()
        process.terminate()
        process.stderr.read()


def test_an_agent_reads_the_lab_over_stdio(lab, client, spec):
    experiment = client.submit(spec(tags=["agents"])).wait(60)
    run(over_stdio(lab.url), reads, experiment)


async def reads(agent, experiment):
    tools = await agent.tools()
    assert set(tools) == READING
    assert all(tool.annotations.read_only_hint for tool in tools.values())
    first, last = experiment.spec.seeds

    found = await agent.ask("find_experiments", filter="tag:agents", limit=1)
    assert not found["more"]
    (row,) = found["experiments"]
    assert (row["id"], row["seeds"]) == (experiment.id, 2)
    assert sum(row["outcomes"].values()) == 2
    error = experiment.runs[0].summary["fit_error"]
    assert row["fit_error"][0] == pytest.approx(error, rel=1e-3)

    read = await agent.ask("read_experiment", id=experiment.id)
    assert read["state"] == "completed"
    assert read["spec"]["training"] == {"length": 5}, "defaults are left out"
    assert [run["seed"] for run in read["runs"]] == [first, last]

    table = await agent.ask("tabulate", filter="tag:agents", group=["training.length"])
    assert [(row["training.length"], row["seeds"]) for row in table["rows"]] == [(5, 2)]
    assert table["rows"][0]["fit_error"]["q1"] <= table["rows"][0]["fit_error"]["q3"]

    series = await agent.ask(
        "read_series", id=experiment.id, names=["train_loss"], seeds=[last], points=3
    )
    (columns,) = series["series"].values()
    assert columns["step"][0] == 0
    assert columns["step"][-1] == 50
    assert len(columns["step"]) == len(columns["train_loss"]) <= 3

    for name, arguments in {
        "draw_experiment": {"id": experiment.id, "figure": "training"},
        "draw_query": {"filter": "tag:agents", "x": "lag", "facets": ["training.length"]},
    }.items():
        png, caption = await agent.draw(name, **arguments)
        assert png.startswith(b"\x89PNG")
        assert "0 of 2" in caption

    theorem = await agent.ask("check_theorem", id=experiment.id)
    assert theorem["assumptions"][0]["sentence"] == "Student and teacher are linear."
    studies = await agent.ask("list_studies")
    claims = (await agent.ask("read_study", name=studies["studies"][0]["name"]))["claims"]
    assert {"inequality", "bound", "verdict"} <= set(claims[0])
    names = {field["name"] for field in (await agent.ask("list_fields", part="scale"))["fields"]}
    assert "student.start.scale" in names

    checked = await agent.ask("check_spec", spec=experiment.spec.model_dump(mode="json"))
    assert checked["cost"]["flop"] > 0
    await refuses(agent, experiment)


async def refuses(agent, experiment):
    bad = {**experiment.spec.model_dump(mode="json"), "training": {"length": 0}}
    message = await agent.refusal("check_spec", spec=bad)
    assert "training.length: should be at least 1 (given 0)" in message
    message = await agent.refusal("find_experiments", filter="student.scale < 1")
    assert "did you mean student.start.scale" in message
    assert "list_fields lists" in message
    message = await agent.refusal("find_experiments", query="tag:agents", limit=1000)
    assert "query: unknown field; allowed: filter, limit, sort" in message
    assert "limit: should be at most 50 (given 1000)" in message
    assert "there is no experiment" in await agent.refusal("read_experiment", id="exp_0000")
    assert "--write" in await agent.refusal("submit_experiment", spec=bad)
    assert "there are find_experiments" in await agent.refusal("delete_everything")


def test_an_agent_submits_and_cancels_over_http(over_http, endless):
    assert over_http.startswith("http://127.0.0.1:")
    run(over_http, changes, endless(tags=["agents-write"]))

    ask = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    accept = {"Accept": "application/json, text/event-stream"}
    with httpx2.Client(trust_env=False, headers=accept) as client:
        for headers, status in (
            ({}, 200),
            ({"Host": "lab.example"}, 421),
            ({"Origin": "http://lab.example"}, 403),
        ):
            assert client.post(over_http, json=ask, headers=headers).status_code == status


async def changes(agent, spec):
    tools = await agent.tools()
    assert set(tools) == READING | WRITING
    assert {name for name, tool in tools.items() if not tool.annotations.read_only_hint} == WRITING

    submitted = await agent.ask("submit_experiment", spec=spec)
    again = await agent.ask("submit_experiment", spec=spec)
    assert (submitted["reused"], again["reused"]) == (False, True)
    assert again["id"] == submitted["id"]
    await agent.ask("cancel_experiment", id=submitted["id"])
    ended = await agent.ask("read_experiment", id=submitted["id"], wait_seconds=50)
    assert ended["state"] == "cancelled"
    assert "it has ended" in await agent.refusal("cancel_experiment", id=submitted["id"])


def test_without_the_extra_the_command_says_what_to_install(monkeypatch):
    monkeypatch.delitem(sys.modules, "extrapolab.mcp.server", raising=False)
    monkeypatch.delattr(extrapolab.mcp, "server", raising=False)
    monkeypatch.setitem(sys.modules, "mcp", None)
    result = CliRunner().invoke(app, ["mcp"])
    assert result.exit_code == ExitCode.USAGE
    assert "pip install 'extrapolab[mcp]'" in result.stderr


def test_a_taken_port_is_named(over_http):
    port = over_http.removesuffix("/mcp").rpartition(":")[2]
    result = CliRunner().invoke(app, ["mcp", "--http", port])
    assert result.exit_code == ExitCode.USAGE
    assert f"can't listen on port {port}" in result.stderr
