"""The same client for programs with an event loop."""
