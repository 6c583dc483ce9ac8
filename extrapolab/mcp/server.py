"""The MCP server: offers a lab's tools over stdio, or over HTTP on this machine.

The only module that imports the MCP SDK, the extra ``mcp``.
"""

import base64
import socket
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import anyio
import uvicorn
from anyio.to_thread import run_sync
from mcp import types
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server
from mcp.server.transport_security import TransportSecuritySettings

from extrapolab.client.lab import Lab
from extrapolab.mcp.figures import DrawExperiment, DrawQuery, DrawStudy
from extrapolab.mcp.reading import (
    CheckTheorem,
    FindExperiments,
    ListFields,
    ReadExperiment,
    ReadSeries,
    Tabulate,
)
from extrapolab.mcp.specs import CancelExperiment, CheckSpec, SubmitExperiment
from extrapolab.mcp.studies import ListStudies, ReadStudy
from extrapolab.mcp.tool import Mistaken, Picture, Tool, call

HOST = "127.0.0.1"
"""Nobody authenticates, so only this machine can connect."""

PATH = "/mcp"

TOOLS: tuple[type[Tool], ...] = (
    FindExperiments,
    ReadExperiment,
    Tabulate,
    ReadSeries,
    DrawExperiment,
    DrawQuery,
    CheckTheorem,
    ListStudies,
    ReadStudy,
    DrawStudy,
    ListFields,
    CheckSpec,
    SubmitExperiment,
    CancelExperiment,
)

INSTRUCTIONS = """
A lab for one question: when gradient descent trains an overparameterised RNN (the student, d
states) to imitate a teacher (d̂ states) on sequences of the training length k, does it extrapolate
to longer ones, up to the horizon q, and why? An experiment is one spec with several seeds; a run is
one seed of it. Errors and losses are without units; lags and lengths are time steps. Numbers have
four digits; non-finite ones are "NaN", "Infinity" and "-Infinity". Begin with list_studies or
find_experiments, whose description explains filters.
"""


def build(lab: Lab, *, write: bool) -> Server[Any]:
    """Returns the server of a lab's tools; with ``write``, also of those that change the lab."""
    tools = {tool.tool: tool for tool in TOOLS if write or not tool.changes}

    async def list_tools(*_: object) -> types.ListToolsResult:
        return types.ListToolsResult(tools=[*map(_listed, tools.values())])

    async def call_tool(_: object, params: types.CallToolRequestParams) -> types.CallToolResult:
        tool = tools.get(params.name)
        if tool is None:
            return _refused(_unknown(params.name, tools))
        try:
            answer = await run_sync(call, tool, params.arguments or {}, lab)
        except Mistaken as error:
            return _refused(str(error))
        return types.CallToolResult(content=_content(answer))

    return Server(
        "extrapolab",
        version=version("extrapolab"),
        title="Extrapolab",
        instructions=INSTRUCTIONS.strip(),
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )


def serve_stdio(server: Server[Any]) -> None:
    """Answers on standard output what arrives on standard input, until that is closed."""

    async def serve() -> None:
        async with stdio_server() as (incoming, outgoing):
            await server.run(incoming, outgoing, server.create_initialization_options())

    anyio.run(serve)


def listen(port: int) -> socket.socket:
    """Listens on a port of loopback; 0 takes a free one.

    Raises:
        OSError: The port is taken, or not allowed.
    """
    return socket.create_server((HOST, port))


def serve_http(
    server: Server[Any], listener: socket.socket, announce: Callable[[str], object]
) -> None:
    """Serves streamable HTTP until the process is asked to end.

    Requests that name another host, as after DNS rebinding, and those of web pages are refused.

    Args:
        server: From :func:`build`.
        listener: From :func:`listen`.
        announce: Called with the URL.
    """
    port = listener.getsockname()[1]
    application = server.streamable_http_app(
        streamable_http_path=PATH,
        stateless_http=True,  # a client goes on after a restart
        transport_security=TransportSecuritySettings(
            allowed_hosts=[f"{HOST}:{port}", f"localhost:{port}"], allowed_origins=[]
        ),
    )
    announce(f"http://{HOST}:{port}{PATH}")
    uvicorn.Server(uvicorn.Config(application, log_level="warning")).run(sockets=[listener])


def _listed(tool: type[Tool]) -> types.Tool:
    return types.Tool(
        name=tool.tool,
        description=tool.description(),
        input_schema=tool.arguments(),
        annotations=types.ToolAnnotations(
            read_only_hint=not tool.changes,
            destructive_hint=tool.destroys,
            idempotent_hint=True,
            open_world_hint=False,
        ),
    )


def _content(answer: Picture | str) -> list[types.ContentBlock]:
    if isinstance(answer, str):
        return [types.TextContent(text=answer)]
    image = types.ImageContent(data=base64.b64encode(answer.png).decode(), mime_type="image/png")
    return [image, types.TextContent(text=answer.caption)]


def _refused(message: str) -> types.CallToolResult:
    return types.CallToolResult(content=[types.TextContent(text=message)], is_error=True)


def _unknown(name: str, tools: dict[str, type[Tool]]) -> str:
    if name in {tool.tool for tool in TOOLS}:
        return f"{name} changes the lab; 'extrapolab mcp --write' offers it."
    return f"There is no tool {name!r}; there are {', '.join(tools)}."
