"""End stale uploads: confirm those whose object has arrived, and expire the others."""
