"""Rate limits: the policies, and the stores that count requests."""
