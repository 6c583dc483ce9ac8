"""The OpenAPI document, and a page to try its calls on."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse
from pydantic_core import to_json

from service.address import root_path
from service.http.response_headers import PAGE_POLICY

router = APIRouter(include_in_schema=False)

_SWAGGER_UI = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Extrapolab: the HTTP interface</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<link rel="stylesheet" href="../static/swagger-ui/swagger-ui.css">
<script defer src="../static/swagger-ui/swagger-ui-bundle.js"></script>
<script defer src="../static/try/start.js"></script>
</head>
<body><div id="swagger-ui"></div></body>
</html>
"""
_SWAGGER_UI_POLICY = f"{PAGE_POLICY}; img-src 'self' blob: data:"
"""Swagger UI's style sheet has images in data URLs, and it shows figures from memory."""


@router.get("/openapi.json")
async def openapi(request: Request) -> Response:
    """Read the OpenAPI document."""
    content = request.app.openapi()
    if prefix := root_path.get():
        content = {**content, "servers": [{"url": prefix}]}
    return Response(to_json(content), media_type="application/json")


@router.get("/docs/try")
async def swagger_ui() -> HTMLResponse:
    """Show the page to try calls on."""
    return HTMLResponse(_SWAGGER_UI, headers={"Content-Security-Policy": _SWAGGER_UI_POLICY})
