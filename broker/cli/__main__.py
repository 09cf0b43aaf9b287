"""`python -m broker.cli`: an old name of `python -m broker`, until version 0.11."""

from broker.__main__ import main

main()
