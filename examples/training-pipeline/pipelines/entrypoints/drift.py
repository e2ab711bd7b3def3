"""Where the drift job starts: at the root of the code archive, beside the package."""

from flight_delays.steps import run
from flight_delays.steps.drift import main

if __name__ == "__main__":
    run(main)
