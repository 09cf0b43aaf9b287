"""`python -m broker.cli`, where the `broker` script is not on PATH."""

from broker.cli import main

main()
