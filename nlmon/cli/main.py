"""The command ``nlmon``: one subcommand per module, loaded only when it is called, and one place for errors.

Rules:
1. Data goes to stdout, everything else to stderr.
2. A user's mistake and a bad file are one message with a code and no traceback; a bug always shows its traceback.
3. Exit codes: 0 same or done, 1 differences, 2 usage, 3 bad input, inconclusive or nothing matched, 4 environment,
   5 a bug, 130 interrupted. A signal ends ``live`` and ``record``, and is no interruption of them.

Not here: what the commands do.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

import click

from nlmon import __version__
from nlmon.cli.common import say_where_explained, show_error, usage_error
from nlmon.cli.complete import VARIABLE
from nlmon.cli.lazy import LazyGroup
from nlmon.cli.monitor import monitor_options, run_monitor
from nlmon.cli.output import guard_streams
from nlmon.errors import ExitCode, InternalError, NlmonError, UsageError
from nlmon.printable import printable

__all__ = ["group", "main"]

COMMANDS = {
    "replay": ("nlmon.cli.replay", "Replay captures into both implementations and print the verdict."),
    "live": ("nlmon.cli.live", "Compare both implementations on the running kernel and print the verdict."),
    "decode": ("nlmon.cli.decode", "Print the events of a capture as JSON lines."),
    "state": ("nlmon.cli.state", "Print the objects of a host that a capture describes, as ip would."),
    "record": ("nlmon.cli.record", "Record this host's netlink into a capture."),
    "capture": ("nlmon.cli.groups:capture", "Look into capture files."),
    "matrix": ("nlmon.cli.matrix", "Hold any number of implementations beside each other, and against the bytes."),
    "coverage": ("nlmon.cli.coverage", "Print which attributes both implementations read, one alone, or neither."),
    "run": ("nlmon.cli.run", "Run scenarios and say which hold."),
    "report": ("nlmon.cli.groups:report", "Show, compare, merge and check reports of runs."),
    "scenario": ("nlmon.cli.groups:scenario", "Write and check scenario files."),
    "compare": ("nlmon.cli.compare", "Compare the event logs of two monitors on one host."),
    "canary": ("nlmon.cli.canary", "Compare hosts with a new monitor with those with the old one."),
    "config": ("nlmon.cli.groups:config", "Check and show the configuration of a monitor."),
    "deprecations": ("nlmon.cli.deprecations", "List uses of what the migration guide calls old, and what to write."),
    "assess": ("nlmon.cli.assess", "Say whether a host may move with its configuration, and come back."),
    "migrate": ("nlmon.cli.migrate", "Rewrite a configuration for libnl."),
    "rollback": ("nlmon.cli.rollback", "Rewrite a configuration for legacy."),
    "switch": ("nlmon.cli.switch", "Let a monitor that runs go on with the other implementation."),
    "doctor": ("nlmon.cli.doctor", "Check a host and a monitor, and say what to do."),
    "harness": ("nlmon.cli.groups:harness", "Help who writes a program that speaks the harness protocol."),
    "serve": ("nlmon.cli.serve", "Answer the harness protocol with one of nlmon's implementations."),
    "debug": ("nlmon.cli.groups:debug", "Look into an implementation at work."),
    "known": ("nlmon.cli.known", "Keep the differences that are known and allowed."),
    "conform": ("nlmon.cli.conform", "Test what nlmon says that its implementations do."),
    "claims": ("nlmon.cli.claims", "Print what nlmon says of its implementations, and of which it is true."),
    "filter": ("nlmon.cli.groups:filter_", "Say what a filter of events means, and try it on a capture."),
    "explain": ("nlmon.cli.explain", "Say what a code or a word means, and what to do."),
    "completion": ("nlmon.cli.completion", "Print the script by which a shell completes nlmon, or install it."),
    "schema": ("nlmon.cli.schema", "Print the JSON Schema of an output or of a file."),
}
# ``nlmon status`` is kept for the counters of a running monitor.
MOVED = {"status": "capture stats"}


@click.group(
    cls=LazyGroup,
    modules=COMMANDS,
    moved=MOVED,
    invoke_without_command=True,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@monitor_options
@click.version_option(__version__, prog_name="nlmon")
@click.pass_context
def group(context: click.Context, /, **options: Any) -> None:
    """Prove whether a netlink monitor can move from its legacy implementation to libnl, and back.

    With options and no command: run a monitor, by the files that --config names or by /etc/nlmon/nlmon.yaml and
    ~/.nlmon/config.yaml, until SIGTERM or Ctrl-C.
    """
    run_monitor(options, context.invoked_subcommand)


def main() -> None:
    """Entry point of the console script."""
    guard_streams()
    # When the reader of our output goes, so do we, as every filter does (signal(7)); exit codes keep their meaning.
    if hasattr(signal, "SIGPIPE"):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    sys.exit(_run())


def _run() -> int:
    """The exit code of the command that was given, once its output is written."""
    if VARIABLE in os.environ:
        from nlmon.cli.completion import complete_by_words  # noqa: PLC0415  (start-up: only a shell asks)

        complete_by_words()
    try:
        try:
            code = group.main(prog_name="nlmon", standalone_mode=False)
        except SystemExit as done:
            code = done.code
        sys.stdout.flush()
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        code = ExitCode.USAGE
    except click.ClickException as error:
        mistake = usage_error(error)
        show_error(mistake)
        code = mistake.exit_code
    except (click.Abort, KeyboardInterrupt):
        code = ExitCode.INTERRUPTED
    except NlmonError as error:
        show_error(error)
        if not isinstance(error, UsageError):  # its hint says what to type
            say_where_explained((error.code,), sys.stderr)
        if isinstance(error, InternalError):
            _print_traceback()
        code = error.exit_code
    except Exception:
        sys.stderr.write("error[NLM-X001]: a bug in nlmon; please report it with the command line and this:\n")
        _print_traceback()
        code = ExitCode.INTERNAL
    return code if isinstance(code, int) else 0


def _print_traceback() -> None:
    import traceback  # noqa: PLC0415  (start-up: only a bug needs it)

    for line in traceback.format_exc().splitlines():
        sys.stderr.write(printable(line) + "\n")


if __name__ == "__main__":
    main()
