"""What every upload shares: its owner, its state, its quota, and the outbox of deletions."""
