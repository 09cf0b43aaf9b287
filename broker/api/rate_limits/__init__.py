"""How often a caller may ask: policies, counters, and the stores that hold the counters."""
