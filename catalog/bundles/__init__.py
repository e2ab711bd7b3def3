"""Template folder to content-addressed bundle."""
