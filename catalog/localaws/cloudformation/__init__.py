"""The emulated AWS CloudFormation: an engine of its own over ordinary calls to other services."""
