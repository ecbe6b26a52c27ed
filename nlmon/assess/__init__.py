"""Whether a host may move to the other implementation with its configuration, and whether it may come back.

    from nlmon.assess.assessing import assess

    found = assess(data, "nlmon.yaml", [Path("host.pcapng")], environ=os.environ)
    found.result, found.reasons, found.back

By the way of the data: ``static`` says what the text of a configuration says, and ``options`` what becomes of each key
that it gives. ``dynamic`` lets a monitor of each side run over recordings, with this configuration, and compares what
they export; ``decoded`` compares what the implementations make of them, whatever is exported; ``numbers`` holds
counters, metrics and captures against that. ``judging`` makes reasons of it; ``checklist`` holds the checklist of the
migration guide against them, and ``assessing`` makes an ``Assessment`` (``model``) of all. ``text`` prints it, also as
Markdown; ``asrun`` gives it the form of a run, of which every kind of report is made.

Rules:
1. Nothing is "go" that was not seen: without enough events of every protocol that is listened to it is "undecided".
2. What the contract explains is a note; any other difference is no go.
3. A configuration is played as the move would write it, so that what is judged is what will run.

Not here: rewriting (``nlmon.migrate``), monitors in the lanes of a comparison (``nlmon.scenario.configured``), and
recording the running host (``nlmon.cli``).
"""

__all__ = ()
