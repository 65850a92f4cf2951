"""``detente`` and ``python -m detente``: from the first line to the last, Ctrl-C ends in one word.

Owns: the time before a command runs and after it has. Not here: the commands (``cli``). It imports next to nothing, so
that little time passes before Ctrl-C is ours.
"""

import os
import signal


def main() -> None:
    """Run a command."""
    ours = signal.getsignal(signal.SIGINT) is signal.default_int_handler  # else ignored, as of a job in the background
    if ours:
        signal.signal(signal.SIGINT, _stopped)  # raised in the middle of an import, it would come as any other error
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")  # to look for some reads all that is installed
    from detente.cli import main as run

    run(interruptible=ours)


def _stopped(number: int, frame: object) -> None:
    os.write(2, b"stopped\n")
    os._exit(130)


if __name__ == "__main__":
    main()
