"""Phantoms in the layouts of data sets, drawn once."""

import pytest

from cxr_demo.datasets.phantoms import write_layout
from tests.evaluation.bench import COUNT


@pytest.fixture(scope="session")
def chexpert(tmp_path_factory):
    return write_layout("chexpert-valid", tmp_path_factory.mktemp("chexpert"), COUNT, width=256)
