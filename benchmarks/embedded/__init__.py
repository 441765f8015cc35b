"""The embedded model: how it is shaped, trained on phantoms, and measured.

Training and drawing import neither pydicom nor bitsandbytes: they run on a bare GPU machine.
"""
