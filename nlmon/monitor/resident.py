"""How much memory this process has, as the kernel says (proc_pid_status(5)).

Not here: what a growth means (``nlmon.monitor.doctor``).
"""

from __future__ import annotations

from pathlib import Path

__all__ = ["resident"]


def resident() -> tuple[int, int]:
    """Bytes of this process that are in memory, now and at most so far; zeros where the system does not say."""
    try:
        text = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return 0, 0
    fields = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
    now, peak = (int(fields.get(name, "0").split()[0]) << 10 for name in ("VmRSS", "VmHWM"))
    return now, peak
