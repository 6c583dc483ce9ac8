"""Requests as people pass their parts: specs, sweeps, references and files."""
