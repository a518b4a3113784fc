"""`python -m regulens` is the command `regulens`."""

from regulens.cli import main

if __name__ == "__main__":
    main()
