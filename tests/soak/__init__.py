"""Load on real processes while servers are killed, stopped and restarted: `make matrix ONLY=soak`.

The servers run as they are deployed. A model of each client says what every answer must be.
"""
