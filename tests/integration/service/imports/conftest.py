"""Imports into a lab on SQLite, and on PostgreSQL."""

import pytest
from starlette.testclient import TestClient

from service.app import build
from service.settings import Settings
from tests.integration.service.conftest import NO_BROKER


@pytest.fixture
def client(database_url):
    app = build(Settings(database_url=database_url, broker_url=NO_BROKER))
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client
