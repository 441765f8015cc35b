"""Data sets as they lie on disk after download, found from a folder. None of them is in here."""

from cxr_demo.datasets import brax, chexpert, folder, mimic
from cxr_demo.datasets.base import Dataset

DATASETS: dict[str, Dataset] = {each.NAME: each for each in (brax, chexpert, mimic, folder)}
"""All data sets by name."""
