"""`python -m kdsl` is the command `kdsl`."""

from kdsl.cli.main import main

main()
