"""What a file from outside may cost. Bytes, seconds and pixels."""

from cxr_demo.units import GIB, MIB

MAX_FILE_BYTES = 100 * MIB
MAX_PIXELS = 40_000_000
MIN_SIDE = 64
"""Shortest side in pixels; less is a thumbnail."""
MAX_MEMORY = 2 * GIB
"""Address space of a decoding child beyond what its own imports take."""
MAX_SECONDS = 20.0
MAX_ARCHIVE_FILES = 2_000
MAX_ARCHIVE_BYTES = 800 * MIB
"""Unpacked size of a whole zip, as its directory declares it and as it is unpacked."""
MAX_IMAGES = 16
"""Radiographs of one study; more is a stack of slices, not a chest study."""
