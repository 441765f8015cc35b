"""The compiled path: a decode step of a few kernels per layer, with a twin in plain torch."""
