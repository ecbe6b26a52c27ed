"""Says which bad implementations the exports of a monitor show, and writes docs/reference/deviations-of-exports.md.

    python tools/export_deviations.py [-k WORD]

Each implementation of ``nlmon.testing.zoo`` whose mistake a recording of ``MAIN`` shows takes the place of the good one
in the scenario of configurations over that recording; those that only a fault or a recovery shows are left out, since
monitors of a scenario have neither. All of them take two minutes. ``-k`` runs some anew and leaves the other rows.

Exit code: 0.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Mapping

from deviations import REPOSITORY, finding, suite, write

from nlmon.scenario.load import ScenarioFile
from nlmon.testing.zoo import ZOO, BadImplementation

__all__ = ["MAIN", "PAGE", "judged", "rows", "shown"]

PAGE = REPOSITORY / "docs" / "reference" / "deviations-of-exports.md"
# By the recording that shows a mistake the scenario that plays it into monitors.
MAIN: Mapping[str, str] = {
    "01-route-basic": "configuration.guide-basic",
    "02-route-topology": "configuration.buffer-sizes",
    "03-nl80211": "configuration.guide-wifi",
    "04-conntrack": "configuration.guide-high-traffic",
    "05-sock_diag": "configuration.gradual-all",
    "06-generic": "configuration.guide-own-program",
}
HEAD = """# What the exports of a monitor show

`nlmon.testing.zoo` holds implementations with one mistake each. Here each of them runs in a monitor, in a scenario of
configurations that holds with the good ones ([decision](../decisions/0077-scenarios-of-configurations.md)): what does
not hold then. Nothing shows what is not exported, such as counters, frames and how it ends; what an event lacks, and
names of interfaces, which the comparison of implementations judges ([its page](deviations.md)); and what a
recording has only in messages that no monitor receives. `python tools/export_deviations.py` writes this page.

| mistake | in | scenario | does not hold |
|---|---|---|---|
"""


def judged() -> dict[str, BadImplementation]:
    """The implementations that can be judged so."""
    return {
        name: bad
        for name, bad in ZOO.items()
        if bad.recording in MAIN and not bad.faults and not bad.options.resync and not bad.options.caches
    }


def rows() -> dict[str, tuple[str, str]]:
    """Of each mistake on the page the scenario, and what does not hold in it; empty if all does."""
    found = re.findall(r"^\| (.+?) \| `\w+` \| `(.+?)` \| (.*) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    return {name: (scenario, "" if what == "nothing" else what) for name, scenario, what in found}


def shown(bad: BadImplementation, file: ScenarioFile) -> str:
    """What does not hold, as a cell of the table, without places of this machine."""
    return re.sub(r" \(/[^)]*\)", "", finding(bad, file)).replace("|", r"\|")


def main() -> int:
    """Write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-k", dest="word", default="", help="only mistakes whose name has this")
    given = parser.parse_args()
    files, kept = suite(), rows() if PAGE.exists() else {}
    for name, bad in judged().items():
        if given.word in name or name not in kept:
            scenario = MAIN[bad.recording]
            kept[name] = scenario, shown(bad, files[scenario])
            sys.stderr.write(f"{name}: {kept[name][1] or 'not found'}\n")
    lines = [
        f"| {name} | `{bad.base}` | `{kept[name][0]}` | {kept[name][1] or 'nothing'} |\n"
        for name, bad in judged().items()
    ]
    write(PAGE, HEAD + "".join(lines))
    return 0


if __name__ == "__main__":
    sys.exit(main())
