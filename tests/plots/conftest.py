from tests.results.conftest import board, open_book

__all__ = ["board", "open_book"]
