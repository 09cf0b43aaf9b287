"""Where the time of a ticket goes: a sampler of stacks, and the groups that frames belong to."""
