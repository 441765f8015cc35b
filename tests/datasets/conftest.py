"""Phantoms in all layouts, drawn once."""

import pytest

from cxr_demo.datasets.phantoms import write_layout

COUNT = 12


@pytest.fixture(scope="session")
def all_layouts(tmp_path_factory):
    return write_layout("all", tmp_path_factory.mktemp("data"), COUNT, width=256)
