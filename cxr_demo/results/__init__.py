"""From rows in the store to tables and exports; nothing is accumulated, nothing is guessed.

Floor 2: `ui`, `plots` and `fit` read from here. `book.Book` is the entry.
"""
