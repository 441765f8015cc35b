"""`python -m cxr_demo.worker`: the program that owns the GPU. The app starts it by itself."""

from cxr_demo.worker.isolation import seal

seal()  # before anything else is imported, so that no library meets the network

from cxr_demo.worker.serve import leave, serve  # noqa: E402

leave(serve())
