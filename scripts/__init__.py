"""What maintainers run. Every script that writes a derived file takes `--check`."""
