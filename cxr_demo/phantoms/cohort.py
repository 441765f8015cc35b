"""Which phantoms are for what: disjoint ranges of seeds, recorded here and nowhere else."""

TRAIN_SEEDS = range(10_000_000, 20_000_000)
VALIDATION_SEEDS = range(2_000_000, 2_002_000)
TEST_SEEDS = range(1_000_000, 1_001_000)
"""The 1,000 phantoms on which the embedded model is measured; training never draws them."""
SAMPLE_SEEDS = range(3_000_000, 3_010_000)
"""The samples that come with the app are picked from here."""
DATASET_SEEDS = range(4_000_000, 5_000_000)
"""Phantoms in the layouts of public data sets; training never draws them either."""
