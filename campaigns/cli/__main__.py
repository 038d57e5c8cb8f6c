"""`python -m campaigns.cli`: the same as the command."""

from campaigns.cli import main

main()
