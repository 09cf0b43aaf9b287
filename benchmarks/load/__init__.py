"""Load: wrk, one client that measures photos, and many slow ones."""
