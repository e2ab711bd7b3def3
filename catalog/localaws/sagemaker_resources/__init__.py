"""SageMaker operations that moto lacks, on resources that moto keeps; a base of the service."""
