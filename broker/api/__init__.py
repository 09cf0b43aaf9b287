"""The HTTP API. Each view parses the request, calls one service and builds the response."""
