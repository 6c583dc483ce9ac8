"""A lab's tools for language models, over the Model Context Protocol (MCP)."""
