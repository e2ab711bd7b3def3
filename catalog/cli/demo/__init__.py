"""`publish-catalog local demo`: the main job told step by step, on the local AWS."""
