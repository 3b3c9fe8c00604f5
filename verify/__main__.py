"""``python -m verify`` is ``dagverify``."""

from verify.cli.entry import run

if __name__ == "__main__":
    run()
