"""Loads the fixtures that all tests share from ``tests/kit``."""

pytest_plugins = ["tests.kit.database", "tests.kit.postgres", "tests.kit.redis", "tests.kit.lab"]
