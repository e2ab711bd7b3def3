"""What the steps of the pipeline run. Every path comes by argument or SM_* variable."""
