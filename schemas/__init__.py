"""The schemas of requests and answers, one module per resource. No database, no Flask."""
