"""Processes that die, servers that go away: afterwards every object is compared with every row."""
