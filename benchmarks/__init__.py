"""Training, checkpoints and measurements that run beside the app."""
