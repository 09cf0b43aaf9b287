"""Load generators: wrk, one client that sends photos, and many slow clients."""
