"""Living projects: inventory and updates."""
