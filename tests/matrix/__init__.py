"""`make matrix`: runs its parts, which are make targets, in four lanes, and reports on each."""
