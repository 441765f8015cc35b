"""Evaluations: a recipe run over samples into the store, one durable row per image."""
