"""Parsing of requests: JSON, ids, page cursors and idempotency keys; marks on views."""
