"""What an agent can do while it speaks: Python functions, handoffs, MCP servers."""
