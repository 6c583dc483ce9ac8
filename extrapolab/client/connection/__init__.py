"""The connection to a lab: requests over HTTP, threads, and the stream of events."""
