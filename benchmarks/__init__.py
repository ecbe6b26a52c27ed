"""Speed and memory of nlmon and of its peers, measured in turn within one run: ``python -m benchmarks``.

``recording`` makes kernel messages in a namespace, ``captures`` writes them in the forms that each program reads,
``ours`` and ``peers`` are the measurements, ``live`` those against a running kernel, ``rounds`` runs each in a process
of its own, ``targets`` says what is wanted, ``report`` prints it. ``soak`` and ``exports`` are
commands of their own.

Rules of this room:
1. A figure is of one process that did nothing else. Ratios are taken within one round and never across runs.
2. What is missing on a machine is a row with a reason, never the end of a run.

Not here: whether a decoder is right (``tests``).
"""
