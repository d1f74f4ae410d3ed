"""One study: its config, the runs it asks for, its claims, and what is refused."""
