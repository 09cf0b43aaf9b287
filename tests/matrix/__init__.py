"""`make matrix`: runs its parts, which are make targets, in two lanes, and reports on each."""
