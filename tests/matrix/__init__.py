"""`make matrix`: runs its parts, which are make targets, in three lanes, and reports on each."""
