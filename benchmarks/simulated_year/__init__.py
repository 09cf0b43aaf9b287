"""The size of the tables after a simulated year, without and with retention."""
