"""Prints where the libraries of this environment differ from those of the SageMaker image."""

import sys
from importlib.metadata import version

# scikit-learn 1.9-0, from requirements.txt of aws/sagemaker-scikit-learn-container.
IMAGE = {
    "scikit-learn": "1.9.0",
    "pandas": "2.2.3",
    "numpy": "2.5.1",
    "scipy": "1.18.0",
    "pyarrow": "25.0.0",
}


def main() -> int:
    """Print one line per difference."""
    for name, expected in IMAGE.items():
        found = version(name)
        if found != expected:
            print(f"{name} {found} here, {expected} in the SageMaker image")
    return 0


if __name__ == "__main__":
    sys.exit(main())
