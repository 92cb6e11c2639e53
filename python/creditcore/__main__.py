"""`python -m creditcore`: the command line."""

from creditcore.cli import main

main()
