"""Checks of a configuration: its problems, its filters, and what its exports need.

Not here: sockets (``system``) and a monitor that runs (``running``).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from shlex import join, quote

from nlmon.errors import NlmonError
from nlmon.monitor.doctor.finding import Finding, note, ok, problem, warning
from nlmon.monitor.doctor.host import ExportFile, Host
from nlmon.monitor.status import mebibytes

__all__ = ["configuration", "disk", "files", "filters", "others", "ports"]


def configuration(host: Host) -> Iterator[Finding]:
    """What is wrong in the configuration, and what has no effect, each with its own code."""
    paths = list(map(str, host.loaded.files))
    names, typed = " ".join(paths), join(paths)
    for one in host.loaded.problems:
        give = problem if one.severity == "error" else note
        yield give(one.code, one.text, "", f"nlmon config check {typed}".rstrip())
    if not host.loaded.problems:
        yield ok("NLM-M098", f"the configuration is in order ({names or 'no file, all defaults'})")


def filters(host: Host) -> Iterator[Finding]:
    """Whether a rule uses fields that the chosen implementation does not provide."""
    from nlmon.compare.statement import statement_of  # noqa: PLC0415  (only who has rules needs it)
    from nlmon.filters import compile_filter  # noqa: PLC0415
    from nlmon.filters.meaning import meaning  # noqa: PLC0415
    from nlmon.filters.tree import text_of  # noqa: PLC0415
    from nlmon.monitor.filterfields import provides  # noqa: PLC0415

    config = host.loaded.config
    rules = () if config is None else config.rules
    implementation = "libnl" if config is None or config.netlink.use_libnl else "legacy"
    whole = True
    for rule in rules:
        try:
            tree = compile_filter(rule.expression, name=rule.name).tree
        except NlmonError as error:  # such as what has to be installed for a regular expression
            whole = False
            yield problem(error.code, f"the rule {rule.name} cannot be used", error.text, f"nlmon explain {error.code}")
            continue
        left = meaning(tree, partial(provides, statement_of(implementation)))
        if left == tree:
            continue
        whole = False
        lacks = f"the rule {rule.name} uses fields that {implementation} does not provide"
        command = f"nlmon filter explain {quote(rule.expression)}"
        if left is False:
            yield problem("NLM-M090", lacks, "it matches nothing", command)
        else:
            rest = "it matches every event" if left is True else f"what is left of it: {text_of(left)}"
            yield warning("NLM-M090", lacks, rest, command)
    if rules and whole:
        yield ok("NLM-M090", f"{implementation} provides all fields that rules use")


def files(host: Host) -> Iterator[Finding]:
    """Whether exports can write their files, and nobody else can replace them."""
    for one in host.files:
        found = list(_of_file(one))
        yield from found
        if not found:
            yield ok("NLM-M087", f"the export {one.export} can write {one.path}")


def _of_file(one: ExportFile) -> Iterator[Finding]:
    if not one.folder_there:
        what = f"the folder of the export {one.export} is not there"
        make = "mkdir -p" if one.writable else 'sudo install -d -o "$(id -un)"'
        yield problem("NLM-M087", what, one.folder, f"{make} {quote(one.folder)}")
        return
    if one.link:
        what = f"the path of the export {one.export} is a symbolic link"
        yield problem("NLM-M087", what, f"{one.path} is not followed", f"ls -l {quote(one.path)}")
    if not one.writable:
        what = f"the export {one.export} cannot write into {one.folder}"
        yield problem("NLM-M087", what, "this user may not make files there", f"ls -ld {quote(one.folder)}")
    if one.open_to_all:
        what = f"every user may replace the file of the export {one.export}"
        yield warning("NLM-M087", what, f"{one.folder} may be written by all", f"sudo chmod o-w {quote(one.folder)}")


def disk(host: Host) -> Iterator[Finding]:
    """Whether the file systems of exports have room for all files that the rotation keeps."""
    for one in host.files:
        if one.at_most is None:
            what = f"the files of the export {one.export} have no bound"
            why = f"export.{one.export}.rotate_size is 0"
            yield note("NLM-M092", what, why, f"df -h {quote(one.folder)}")
        elif one.free is not None and one.free < (more := max(0, one.at_most - one.used)):
            what = f"the disk is too small for the export {one.export}"
            why = f"its files may grow by {mebibytes(more)}, and {mebibytes(one.free)} are free in {one.folder}"
            yield warning("NLM-M092", what, why, f"df -h {quote(one.folder)}")
        elif one.free is not None:
            yield ok("NLM-M092", f"the disk has room for the files of the export {one.export}")


def ports(host: Host) -> Iterator[Finding]:
    """Whether exports can listen where they are to."""
    for one in host.ports:
        if one.why:
            what = f"the export {one.export} cannot listen at {one.address}:{one.port}"
            yield problem("NLM-M089", what, one.why, f"ss -tlnp 'sport = :{one.port}'")
        else:
            yield ok("NLM-M089", f"the export {one.export} can listen at {one.address}:{one.port}")


def others(host: Host) -> Iterator[Finding]:
    """Whether another monitor has the same configuration or writes the same files."""
    names = {str(path.absolute()) for path in host.loaded.files}
    shared = [one for one in host.others if names & set(one.config_files)]
    for one in shared:
        what = f"another monitor runs with the same configuration, pid {one.pid}"
        command = f"nlmon --status --socket {quote(one.instance)}"
        yield problem("NLM-M094", what, f"its control socket is {one.instance}", command)
    locked = [one for one in host.files if one.locked and host.status is None]
    for one_file in locked:
        what = f"another process writes the file of the export {one_file.export}"
        yield problem("NLM-M094", what, f"two may not write {one_file.path}", f"fuser -v {quote(one_file.path)}")
    if host.files and not shared and not locked:
        yield ok("NLM-M094", "no other monitor writes the same files")
