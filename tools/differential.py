"""Ask the real InfluxDB and influxish the same generated questions; say how often they agree, feature by feature.

    python tools/differential.py [--about select|show|changes|into] [--questions 20000] [--first-seed 0] [--show 20]
    python tools/differential.py --grammar [--about …] [--questions 20000]

The second asks nobody, and says how many of the questions use each production of the grammar.

The first needs `influxd` (the Debian package influxdb), which it starts on loopback and ends. Progress goes to standard
error, the report to standard output; the exit status is 0 whatever the figures are.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.differential.campaign import SUBJECTS, Tally, ask_both
from tests.differential.data import draw_scene
from tests.differential.grammar_use import GrammarUse
from tests.differential.server import BINARY, InfluxServer, installed

QUESTIONS_OF_A_SEED = 100


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0] if __doc__ else None)
    parser.add_argument("--questions", type=int, default=20_000, help="default: 20000")
    parser.add_argument("--about", choices=SUBJECTS, default="select", help="what is asked (default: select)")
    parser.add_argument("--first-seed", type=int, default=0, help="other seeds ask other questions of other points")
    parser.add_argument("--show", type=int, default=20, metavar="N", help="how many differences to print (default: 20)")
    parser.add_argument("--grammar", action="store_true", help="count the productions that the questions use instead")
    options = parser.parse_args()
    seeds = range(options.first_seed, options.first_seed + -(-options.questions // QUESTIONS_OF_A_SEED))
    if options.grammar:
        report_grammar(seeds, options.about)
        return 0
    if not installed():
        print(f"{BINARY} is not installed: the Debian package influxdb has it", file=sys.stderr)
        return 2
    tally, started = Tally(), time.monotonic()
    try:
        with InfluxServer() as server:
            for seed in seeds:
                for question, disagreement in ask_both(
                    server, seed, QUESTIONS_OF_A_SEED, options.about, tally.uncounted
                ):
                    tally.add(question, disagreement)
                print(
                    f"\rseed {seed}: {tally.agreeing:.2%} of {tally.asked:,} agree ",
                    end="",
                    file=sys.stderr,
                    flush=True,
                )
    except KeyboardInterrupt:
        pass
    print(file=sys.stderr)
    report(tally, options.show)
    print(f"\nasked in {time.monotonic() - started:.0f} s")
    return 0


def report(tally: Tally, show: int) -> None:
    """Differences first, then the figures."""
    for disagreement in tally.disagreements[:show]:
        print(disagreement)
    print(f"\n{'feature':44} {'asked':>7} {'agree':>9}")
    for feature, asked in sorted(tally.by_feature.items()):
        agreeing = 1 - tally.wrong_by_feature[feature] / asked
        print(f"{feature:44} {asked:7,} {agreeing:9.2%}")
    print(f"{'all questions':44} {tally.asked:7,} {tally.agreeing:9.2%}")
    for reason, count in tally.uncounted.items():
        print(f"not counted: {count:,}, as {reason}")


def report_grammar(seeds: range, subject: str) -> None:
    """The productions of the grammar, each with the number of questions that use it."""
    use = GrammarUse()
    for seed in seeds:
        for question in SUBJECTS[subject](draw_scene(seed), seed, QUESTIONS_OF_A_SEED):
            use.add(question)
    for production in use.productions:
        print(f"{use.texts[production]:7,}  {production}")
    print(f"{len(use.productions) - len(use.unused())} of {len(use.productions)} productions are used")


if __name__ == "__main__":
    sys.exit(main())
