"""A page on which people paint label maps and see their photos, and its HTTP endpoints.

`studio` does the work and knows no HTTP; `queueing` stands between many requests and one network; `guard`
keeps other sites and oversized requests out; `app` and `endpoints` are the addresses, `serve` the process.
`layout` is what the page opens and saves, `samples` what it offers. `page/` is what the browser gets.
"""
