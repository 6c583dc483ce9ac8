"""The fixtures that all tests share are in ``tests/kit``, a file for each kind of thing that a test needs."""

pytest_plugins = ["tests.kit.database", "tests.kit.postgres", "tests.kit.redis", "tests.kit.lab"]
