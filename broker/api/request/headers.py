"""Names of request headers that more than one module reads."""

IDEMPOTENCY_KEY = "Idempotency-Key"
