"""Prints where the libraries of this environment differ from those of the SageMaker image."""

import sys
from importlib.metadata import version

{% if cookiecutter.framework == 'scikit-learn' -%}
# scikit-learn 1.9-0, from requirements.txt of aws/sagemaker-scikit-learn-container.
IMAGE = {
    "scikit-learn": "1.9.0",
    "pandas": "2.2.3",
    "numpy": "2.5.1",
    "scipy": "1.18.0",
    "pyarrow": "25.0.0",
}
{%- else -%}
# XGBoost 3.2-0, from requirements.txt of aws/sagemaker-xgboost-container.
IMAGE = {
    "xgboost-cpu": "3.2.0",
    "scikit-learn": "1.8.0",
    "pandas": "2.2.3",
    "numpy": "2.1.0",
    "scipy": "1.15.0",
    "pyarrow": "22.0.0",
}
{%- endif %}


def main() -> int:
    """Print one line per difference."""
    for name, expected in IMAGE.items():
        found = version(name)
        if found != expected:
            print(f"{name} {found} here, {expected} in the SageMaker image")
    return 0


if __name__ == "__main__":
    sys.exit(main())
