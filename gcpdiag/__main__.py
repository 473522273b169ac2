"""``python -m gcpdiag`` is the ``gcpdiag`` command."""

from gcpdiag.cli.main import run

if __name__ == "__main__":
    run()
