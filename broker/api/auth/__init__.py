"""Authentication: bearer tokens, the keys that verify them, and Uppy's capability URLs."""
