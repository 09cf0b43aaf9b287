"""Work outside of requests: the reaper, and the bucket's notifications."""
