"""Lets ``python -m seatrial`` do what ``seatrial`` does."""

from seatrial.cli.app import main

if __name__ == "__main__":
    main()
