"""Scenarios: files that say what happens, which implementations take part and what must hold.

``document`` reads YAML with the place of every value, ``schema`` says what may be written, in ``shapes``, and ``load``
makes a scenario of a text, whose values are those of ``model``. ``mistakes`` has the words for what is wrong in a file.
``expectation`` holds events against what a scenario expects of them. ``check`` says whether a suite of scenarios is in
order, ``files`` finds them.

``run`` runs one scenario under ``options``: ``recorded`` over its recording, with what ``faults`` lets go wrong.
``implementations`` makes those that take part, ``observed`` holds what each gives against what is expected while it
comes, ``differences`` those of a report, and ``cases`` gives the outcome.

``configured`` holds scenarios of configurations: monitors run with them, and what they export is judged.

``sandbox`` runs the commands of a scenario where they can change nothing else: ``sandbox_init`` is the process inside,
``sandbox_root`` its files, ``sandbox_control`` what goes in and out, ``syscalls`` what Python does not offer;
``program`` takes these four inside. ``refusals`` says which setting of the system forbids it. ``leaks`` counts what a
run has left behind.

``live`` runs a scenario on the running kernel. ``steps`` carries out a step, with ``traffic`` for flows, and ``needs``
says what is lacking. ``watch`` reads meanwhile and knows by a ``sentinel`` that all was read; ``kernel_state`` is what
the kernel lists at the end. ``beside`` is what a run leaves beside its scenario, ``keep`` what runs
again what failed, and ``runheader`` begins the report of a run.

Not here: many scenarios and their report (``nlmon.cli.run``), and comparing what implementations give
(``nlmon.engine``).
"""

__all__ = ()
