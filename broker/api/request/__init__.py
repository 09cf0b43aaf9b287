"""Reading a request: JSON, ids, page cursors, idempotency keys, and the parts of this process."""
