"""Projects for your own photos and labels: `ccfpse init` looks at folders and writes what DVC needs.

`start` is the whole of it. `folders` pairs photos and label maps; `maps` reads a number of them; `coding`
and `known` say what their values mean; `choices` chooses settings; `texts` and `stages` write them down.
"""
