"""The HTTP service: reads and writes experiments through the store, and never loads torch."""
