"""A short run of `fuzz`; 2,000 files with `python -m tests.studies.fuzz`."""

from tests.studies import fuzz


def test_100_mutated_files(tmp_path):
    outcome = fuzz.run(count=105, seed=20, folder=tmp_path)
    assert sum(outcome.counts.values()) == 105
    assert outcome.counts["opened"] >= 15, "the mutations must leave something to decode"
    assert outcome.counts["FileDamaged"] >= 15
    assert outcome.counts["DecodingTooLong"] == 0
    assert outcome.counts["DecoderEnded"] <= 2
    assert outcome.growth < 30 * 2**20


def test_the_same_seed_gives_the_same_files(tmp_path):
    one, two = (list(fuzz.files(60, 3, tmp_path)) for _ in range(2))
    assert one == two
    assert one != list(fuzz.files(60, 4, tmp_path))
