"""The views: each parses a request, calls one service, and shapes the response."""
