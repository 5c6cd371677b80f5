"""The entry point: `vm-migrate-bot`, and `python -m bot`.

Loading the program makes a hundred thousand objects that stay to its end. The garbage collector is off meanwhile and
never looks at them afterwards: it would take a sixth of the start for them, and hold up the loop for 80 ms each time
that it looked at all there is.
"""

import gc


def main() -> None:
    """Run a command and exit with its code."""
    gc.disable()
    from bot import cli  # noqa: PLC0415  # this is what is loaded without the collector

    gc.freeze()
    gc.enable()
    cli.main()


if __name__ == "__main__":
    main()
