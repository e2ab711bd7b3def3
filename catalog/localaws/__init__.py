"""An embedded local AWS for tests and the demo: a test double with a contract."""
