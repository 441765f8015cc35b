"""The Benchmarks screen: choose and run evaluations, and look at what came of them."""
