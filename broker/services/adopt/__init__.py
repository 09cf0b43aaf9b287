"""Record objects that were in the bucket before the broker."""
