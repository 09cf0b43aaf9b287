"""The shapes of requests and answers, one module a resource. No database, no Flask."""
