"""Where the train job starts: at the root of the code archive, beside the package."""

from {{ cookiecutter.__package_name }}.steps import run
from {{ cookiecutter.__package_name }}.steps.train import main

if __name__ == "__main__":
    run(main)
