"""``python -m stateflow``: the command line."""

from stateflow.cli import main

if __name__ == "__main__":
    main()
