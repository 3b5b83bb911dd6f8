"""One page of an evaluation, to read, to keep and to give away.

`evaluation` and `naming` read what `ccfpse evaluate` wrote, `comparing` tells runs apart, `lowest`, `curves`,
`pictures`, `grid` and `papers` fetch what goes with them, `content` says what stands where, `page` writes it.
"""
