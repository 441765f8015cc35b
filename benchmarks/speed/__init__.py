"""Speed, memory and fidelity of the decoding engine against stock `generate()` (see `__main__`)."""
