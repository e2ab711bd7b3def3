"""What lies beside a function's code when it runs; copied onto its path, never imported here."""
