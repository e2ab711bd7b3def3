"""How many calls publishing makes and how long it takes: `python -m benchmarks.publish`."""
