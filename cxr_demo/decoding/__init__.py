"""Decoding: one engine under every model. `engine` is the interface, `plain` runs everywhere."""
