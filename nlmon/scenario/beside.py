"""What a run on the kernel leaves beside its scenario, so that it can be judged again without that kernel.

    link-flap.yaml          the scenario
    link-flap.pcapng.zst    what both implementations were sent
    link-flap.state.json    what no recording says: where each step ended and each fault began, and what ``ip`` listed
                            in the end

    NLM-S046   the files beside a scenario cannot be read, or written, or one of them is missing
    NLM-S047   a recording is of another run than its scenario asks for

Rules:
1. A recording belongs to the steps and faults that were run: whoever changes what is done records anew, and whoever
   changes what is expected does not. It has all that came, so the replay makes the faults again.
2. Each of both files is whole or absent; the recording is written first, and is its owner's alone.

Not here: the run (``live``), and the replay (``recorded``).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec
from msgspec import Struct, structs

from nlmon.atomic import write_whole
from nlmon.errors import ScenarioError, reason_of
from nlmon.report.text import shown_path
from nlmon.scenario.faults.live import faults_at
from nlmon.scenario.files import digest_of
from nlmon.scenario.load import ScenarioFile
from nlmon.scenario.model import Capture, Scenario

__all__ = [
    "RunState",
    "as_recorded",
    "check_recordings",
    "has_recording",
    "keep_beside",
    "paths_beside",
    "read_beside",
    "steps_digest",
]

VERSION = 1
RECORDING = ".pcapng.zst"
STATE = ".state.json"


class RunState(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is known of a run beside its recording. ``version``: of this file; ``scenario``: its id; ``kernel``: that it
    ran on; ``sha256``: of the recording; ``steps``: ``steps_digest`` of what was run; ``ends``: the last frame before
    the first step, and the last one of each; ``faults``: the frame where each fault began; ``errors``: codes of steps
    that were refused, as the scenario expects; ``state``: what ``ip`` listed after the last step, as
    ``nlmon.scenario.kernel_state`` writes it, None where the scenario does not ask."""

    version: int = VERSION
    scenario: str
    kernel: str
    sha256: str = ""
    steps: str
    ends: tuple[int, ...]
    faults: tuple[int, ...] = ()
    errors: tuple[str, ...] = ()
    state: tuple[str, ...] | None


def steps_digest(scenario: Scenario) -> str:
    """SHA-256 of what a scenario does and what goes wrong in it, whatever it expects."""
    done = [
        (step.kind, step.line, step.names, step.traffic, step.namespace) for step in (*scenario.setup, *scenario.steps)
    ]
    made = msgspec.json.encode(scenario.faults) if scenario.faults else b""
    return hashlib.sha256(msgspec.json.encode(done) + made).hexdigest()


def as_recorded(file: ScenarioFile, recording: Path, ran: RunState | None = None) -> ScenarioFile:
    """The same scenario over a recording of it, with its faults where ``ran`` says that they began: the recording has
    all that came. Its steps are there for what is expected of them."""
    scenario = file.scenario
    capture = Capture(str(recording.resolve()), "" if ran is None else ran.sha256)
    faults = () if ran is None else faults_at(scenario.faults, ran.faults)
    return structs.replace(file, scenario=structs.replace(scenario, capture=capture, faults=faults))


def has_recording(file: ScenarioFile) -> bool:
    """Whether one of both files lies beside a scenario that has steps."""
    return file.scenario.capture is None and any(path.exists() for path in paths_beside(file))


def read_beside(file: ScenarioFile) -> tuple[Path, RunState]:
    """The recording beside a scenario, and what else is known of the run. Raises ``ScenarioError``."""
    recording, path = paths_beside(file)
    try:
        data = path.read_bytes()
    except OSError as error:
        hint = "nlmon run --record-beside writes both files"
        what = "what a run left beside the scenario cannot be read"
        raise ScenarioError("NLM-S046", what, where=shown_path(path), why=error.strerror or "", hint=hint) from error
    try:
        state = msgspec.json.decode(data, type=RunState)
        why = "" if state.version == VERSION else f"it is of version {state.version}, and this nlmon knows {VERSION}"
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        why = str(error)
    if why:
        raise ScenarioError(
            "NLM-S046", "this file beside a scenario is no state of a run", where=shown_path(path), why=why
        )
    if not recording.is_file():
        raise ScenarioError("NLM-S046", "the recording of a run is missing", where=shown_path(recording))
    scenario = file.scenario
    if state.steps != steps_digest(scenario) or len(state.ends) != len(scenario.setup) + len(scenario.steps) + 1:
        raise _outdated(file, "the recording is of other steps than the scenario has now")
    if len(state.faults) != len(scenario.faults):
        raise _outdated(file, "the recording is of another number of faults than the scenario has now")
    if scenario.expect.state == "kernel" and state.state is None:
        raise _outdated(file, "the run that was recorded did not ask the kernel for its state")
    return recording, state


def _outdated(file: ScenarioFile, what: str) -> ScenarioError:
    return ScenarioError("NLM-S047", what, where=file.where, hint="record it anew: nlmon run --record-beside")


def check_recordings(files: Iterable[ScenarioFile]) -> Iterator[ScenarioError]:
    """What is wrong with the files beside scenarios."""
    for file in filter(has_recording, files):
        try:
            recording, state = read_beside(file)
            if digest_of(recording) != state.sha256:
                what = "the recording is another one than the file of its state was written for"
                yield ScenarioError("NLM-S023", what, where=shown_path(recording))
        except ScenarioError as error:
            yield error


def keep_beside(file: ScenarioFile, recording: Path, state: RunState) -> None:
    """Put what a run left beside its scenario. Raises ``ScenarioError``."""
    import zstandard  # noqa: PLC0415  (only who keeps recordings needs it)

    target, path = paths_beside(file)
    try:
        write_whole(target, zstandard.ZstdCompressor(level=19).compress(recording.read_bytes()), private=True)
        whole = structs.replace(state, sha256=digest_of(target))
        write_whole(path, msgspec.json.format(msgspec.json.encode(whole), indent=1) + b"\n")
    except OSError as error:
        what, why = "a recording cannot be kept beside its scenario", reason_of(error)
        raise ScenarioError("NLM-S046", what, where=shown_path(target), why=why) from error


def paths_beside(file: ScenarioFile) -> tuple[Path, Path]:
    """Where the recording of a run and its state are, if there are any."""
    stem = file.path.removesuffix(".yaml")
    return Path(stem + RECORDING), Path(stem + STATE)
