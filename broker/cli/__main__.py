"""`python -m broker.cli`: an old name of `python -m broker`, until version 0.11."""

from broker.cli import main

main()
