"""The SageMaker Pipeline: its definition, its compiler, its deployment and its local run."""
