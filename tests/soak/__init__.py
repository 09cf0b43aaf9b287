"""Load on real processes while they are killed, cut off and restarted: `python -m tests.soak`.

The servers are the deployed ones; what an answer must be is known from a model of each client.
"""
