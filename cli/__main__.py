"""`python -m ccfpse_cli` is the command `ccfpse`."""

from .main import main

main()
