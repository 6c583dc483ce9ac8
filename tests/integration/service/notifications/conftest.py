"""A server that receives messages, and the notifier without its thread."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import update

from service.app import build
from service.notifications.notifier import Notifier
from service.settings import Settings
from store.db.database import now
from store.db.user_tables import notifications as table
from tests.integration.service.conftest import NO_BROKER


@dataclass
class Receiver:
    """What a webhook was sent; it answers with ``statuses`` first, then with 200."""

    url: str
    statuses: list[int] = field(default_factory=list)
    received: list[dict[str, Any]] = field(default_factory=list)
    location: str = ""
    arrived: threading.Event = field(default_factory=threading.Event)
    gate: threading.Event | None = None
    """Answers wait for it."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            seen.arrived.set()
            if seen.gate is not None:
                seen.gate.wait(30)
            status = seen.statuses.pop(0) if seen.statuses else 200
            if status == 200:
                kind = self.headers["Content-Type"]
                is_json = kind == "application/json"
                seen.received.append(json.loads(content) if is_json else {"raw": content.decode()})
            self.send_response(status)
            if seen.location:
                self.send_header("Location", seen.location)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    seen = Receiver(f"http://127.0.0.1:{server.server_port}/hook/s3cret")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield seen
    server.shutdown()
    server.server_close()


@pytest.fixture
def app(sqlite_url: str, receiver: Receiver) -> FastAPI:
    """Its own notifier makes its first pass after the test."""
    settings = Settings(
        database_url=sqlite_url,
        broker_url=NO_BROKER,
        reaper_seconds=3600,
        notify=f"team={receiver.url}",
        notify_private=True,
    )
    return build(settings)


def hurry(app: FastAPI) -> None:
    """Lets the pause before the next attempt, a lease and a target's quiet time be over."""
    with app.state.context.database.write() as tx:
        tx.execute(update(table).where(table.c.next_at.is_not(None)).values(next_at=0.0))
        tx.execute(update(table).where(table.c.ended_at.is_not(None)).values(ended_at=now(tx) - 99))


@pytest.fixture
def notifier(app: FastAPI) -> Notifier:
    return Notifier(app.state.context.database, app.state.context.settings)
