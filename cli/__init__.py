"""The command line: each file turns one command's arguments into one call of `ccfpse`.

Installed as `ccfpse_cli`. `main.py` assembles the commands, `console.py` prints for all of them.
"""
