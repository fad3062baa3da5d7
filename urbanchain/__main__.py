"""`python -m urbanchain`: the command line, for those who have no script on their path."""

from urbanchain.cli import main

if __name__ == "__main__":
    main()
