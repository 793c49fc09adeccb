"""``python -m egresslog``."""

from egresslog.cli.app import main

if __name__ == "__main__":
    main()
