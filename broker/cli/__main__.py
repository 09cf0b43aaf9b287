"""`python -m broker.cli`, for use when the `broker` script is not on PATH."""

from broker.cli import main

main()
