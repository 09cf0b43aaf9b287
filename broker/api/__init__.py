"""The HTTP API: each view parses, calls one service and shapes its answer."""
