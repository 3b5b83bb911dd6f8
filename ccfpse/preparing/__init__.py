"""From raw data to the prepared store that training reads.

`choice` finds the settings, `rawlist` what raw files there are; `store.prepare` makes the store, with
`workers` filling a `partial` one that survives interruptions.
"""
