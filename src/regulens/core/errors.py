"""The one exception that a user of the command line is meant to read."""


class InputError(Exception):
    """Bad input: names the file, key or record and says what to do about it.

    The command line prints it as one message without a traceback and exits with status 2.
    """
