"""The exception for bad input, whose message is written for the user."""


class InputError(Exception):
    """Bad input: the message names the file, key or record and says what to do about it.

    The command line prints it as one message without a traceback and exits with status 2.
    """
