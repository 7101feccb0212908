"""The command line: `python -m course_pkg.experiments [NAME ...]`."""

import argparse
import functools

from tqdm import tqdm

from course_pkg import experiments


def main(arguments=None):
    """Run the named experiments, or all of them, and store their results."""
    parser = argparse.ArgumentParser(
        prog="python -m course_pkg.experiments", description="Run long experiments and store their results."
    )
    parser.add_argument("name", nargs="*", help=f"of {', '.join(experiments.names())} (default: all)")
    options = parser.parse_args(arguments)
    unknown = set(options.name) - set(experiments.names())
    if unknown:
        parser.error(f"no experiment {', '.join(sorted(unknown))}; there are {', '.join(experiments.names())}")
    for name in options.name or experiments.names():
        experiments.run(name, progress=functools.partial(tqdm, desc=name))
        print(f"stored the result of {name}")


if __name__ == "__main__":
    main()
