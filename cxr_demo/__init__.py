"""Chest X-ray vision-language models on the hospital's own GPU.

Research use only, not a medical device.
"""

__version__ = "0.1.0"
