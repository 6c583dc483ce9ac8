"""The Python client."""

DEFAULT_URL = "http://127.0.0.1:8000"
"""Where `extrapolab up` listens by default."""
