"""What a process holds is counted, and what is more afterwards has a name."""

from __future__ import annotations

import os
import threading

import pytest

from nlmon.errors import InternalError
from nlmon.scenario.leaks import held, leaks, no_leaks


def test_what_is_closed_is_no_leak() -> None:
    """Neither is what was there before."""
    with no_leaks("the test"):
        os.close(os.open("/", os.O_RDONLY))


def test_a_descriptor_that_is_left_is_named() -> None:
    """By its number and what it refers to."""
    descriptor = os.open("/", os.O_RDONLY)
    try:
        os.close(descriptor)
        with pytest.raises(InternalError, match=f"NLM-X018: the test left something behind: descriptor {descriptor} /"):  # noqa: SIM117
            with no_leaks("the test"):
                assert os.open("/", os.O_RDONLY) == descriptor
    finally:
        os.close(descriptor)


def test_a_thread_that_is_left_is_named() -> None:
    """By its number."""
    before, end = held(), threading.Event()
    thread = threading.Thread(target=end.wait)
    thread.start()
    found = leaks(before, held())
    end.set()
    thread.join()

    assert found == [f"thread {thread.native_id}"]


def test_a_namespace_that_a_descriptor_refers_to_is_counted() -> None:
    """As the kernel names it."""
    with open("/proc/self/ns/net", encoding="ascii"):  # noqa: PTH123
        assert os.readlink("/proc/self/ns/net") in held().namespaces  # noqa: PTH115
