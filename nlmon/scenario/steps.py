"""Carries out one step of a scenario in a sandbox.

    NLM-S041   a step, or a fault, that cannot be made on the running kernel
    NLM-S042   a step is refused, or fails
    NLM-S043   a step does not end in time
    NLM-S044   a step needs --allow-run

Rules:
1. A step is done when it returns. What it cannot do is an error with its place in the file and the text of who refused.

Not here: what comes of a step (``watch``), and what a command can do (``sandbox``).
"""

from __future__ import annotations

import importlib
import shlex
from collections.abc import Callable

from nlmon.errors import NlmonError, ScenarioError, reason_of
from nlmon.scenario.model import Step
from nlmon.scenario.sandbox import Ran, Sandbox
from nlmon.scenario.traffic import send

__all__ = ["run_step"]


def run_step(sandbox: Sandbox, step: Step, deadline: float) -> None:
    """Do what a step says, within ``deadline`` seconds. Raises ``NlmonError`` with the place of the step."""
    try:
        _DO[step.kind](sandbox, step, deadline)
    except ScenarioError:
        raise
    except NlmonError as error:
        why = f"{error.where}: {error.why}".strip(": ")
        raise ScenarioError(error.code, error.what, where=step.place, why=why, hint=error.hint) from error
    except TimeoutError as error:
        raise _late(step, deadline) from error
    except OSError as error:
        raise _failed(step, reason_of(error)) from error


def _run(sandbox: Sandbox, step: Step, deadline: float) -> None:
    _ended(sandbox.run(step.line, netns=step.namespace, deadline=deadline), step, deadline)


def _batch(sandbox: Sandbox, step: Step, deadline: float) -> None:
    _ended(sandbox.batch(step.line, netns=step.namespace, deadline=deadline), step, deadline)


def _netns(sandbox: Sandbox, step: Step, deadline: float) -> None:
    for name in step.names:
        sandbox.add_namespace(name)


def _traffic(sandbox: Sandbox, step: Step, deadline: float) -> None:
    assert step.traffic is not None
    send(sandbox, step.traffic, deadline)


def _switch(sandbox: Sandbox, step: Step, deadline: float) -> None:
    """Nothing: the monitors switch before what follows, when the recording of the steps is played."""


def _python(sandbox: Sandbox, step: Step, deadline: float) -> None:
    if not sandbox.allow_run:
        what = "a scenario may not run Python, which no sandbox bounds"
        raise ScenarioError(
            "NLM-S044", what, where=step.place, hint="allow it with --allow-run if you trust the scenario"
        )
    module, _, name = step.line.rpartition(".")
    try:
        function = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise _failed(step, f"there is no function {step.line}: {error}") from error
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # whatever its module raises
        raise _failed(step, f"{type(error).__name__}: {error}") from error
    try:
        function(sandbox)
    except (NlmonError, KeyboardInterrupt):
        raise
    except BaseException as error:  # whatever a stranger's function raises; sys.exit() ends no run
        raise _failed(step, f"{type(error).__name__}: {error}") from error


_DO: dict[str, Callable[[Sandbox, Step, float], None]] = {
    "run": _run,
    "batch": _batch,
    "netns": _netns,
    "traffic": _traffic,
    "migrate": _switch,
    "rollback": _switch,
    "python": _python,
}


# What people write who expect a shell; ip takes it for a name, or refuses it in words that do not say so.
SHELL = {"&&", "||", "|", ";", "&", ">", ">>", "<", "2>&1"}


def _ended(ran: Ran, step: Step, deadline: float) -> None:
    """Hold how a command ended against how it must."""
    if ran.ended == "deadline":
        raise _late(step, deadline)
    if not ran.ok:
        said = " ".join((ran.stderr.strip() or ran.stdout.strip()).split())
        hint = "a step is one command, without a shell" if SHELL & set(ran.argv) else ""
        raise _failed(step, said or f"{shlex.join(ran.argv)}: exit status {ran.status}", hint)


def _failed(step: Step, why: str, hint: str = "") -> ScenarioError:
    return ScenarioError("NLM-S042", f"a step fails: {_shown(step)}", where=step.place, why=why, hint=hint)


def _late(step: Step, deadline: float) -> ScenarioError:
    why, hint = f"it was ended after {deadline:g} seconds", "give all steps more time with --time-scale"
    return ScenarioError("NLM-S043", f"a step does not end: {_shown(step)}", where=step.place, why=why, hint=hint)


def _shown(step: Step) -> str:
    """A step as one line."""
    first = (step.line.strip().splitlines() or [""])[0]
    return first if step.kind == "run" else f"{step.kind} {first or ' '.join(step.names)}".strip()
