"""What memory and load are, asked beside the work: NVML for GPUs, the system for the process."""

from cxr_demo.telemetry.sampler import Sampler

__all__ = ["Sampler"]
