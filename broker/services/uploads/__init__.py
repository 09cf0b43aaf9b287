"""The parts that all uploads share: owner, state, quota, and the outbox of deletions."""
