"""Work without a request: the reaper, and the bucket's notifications."""
