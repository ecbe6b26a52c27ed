"""Arguments of a wrong kind: every function answers with a code, and no method with an error of Python."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from nlmon import api, compat, manager
from nlmon.api import Code, Monitor, NetlinkConfig, Result
from nlmon.errors import UsageError
from nlmon.manager import Manager
from nlmon.testing.transport import FakeKernel

WRONG = ["x", 1.5, [], {}, object()]
# What each function takes behind its context, in the right kinds.
UNIFIED: dict[str, tuple[Any, ...]] = {
    "nlmon_netlink_enable": (0,),
    "nlmon_netlink_disable": (0,),
    "nlmon_netlink_set_callback": (print, None),
    "nlmon_netlink_get_fd": (0,),
    "nlmon_netlink_process": (0,),
    "nlmon_netlink_destroy": (),
}
DIRECT: dict[str, tuple[Any, ...]] = {
    **{
        name: () for name in manager.__all__ if name.startswith(("nlmon_nl_enable", "nlmon_nl_get", "nlmon_nl_process"))
    },
    "nlmon_nl_apply_config": (NetlinkConfig(),),
    "nlmon_nl_is_connected": (0,),
    "nlmon_nl_manager_destroy": (),
    "nlmon_nl_reconnect": (0,),
    "nlmon_nl_resolve_family": ("nlctrl",),
    "nlmon_nl_set_callback": (print, None),
}
FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    **{name: lambda ctx, name=name: getattr(api, name)(ctx, *UNIFIED[name], True) for name in UNIFIED},
    **{name: lambda mgr, name=name: getattr(manager, name)(mgr, *DIRECT[name]) for name in DIRECT},
    **{
        name: lambda ctx, name=name: getattr(compat, name)(ctx, *UNIFIED[name.replace("multi_protocol", "netlink")])
        for name in compat.__all__
        if name.startswith("nlmon_multi") and not name.endswith("init")
    },
}


def code(result: object) -> tuple[Code, str]:
    """The code of a refused call, and that of its reason."""
    assert isinstance(result, Result)
    assert result.error is not None
    return result.code, result.error.code


def test_every_function_is_in_the_tables() -> None:
    """But for those that have no context."""
    names = {name for module in (api, manager, compat) for name in module.__all__ if name.startswith("nlmon_")}
    without = {"nlmon_netlink_init", "nlmon_nl_manager_init", "nlmon_nl_strerror", "nlmon_multi_protocol_init"}

    assert names - without == FUNCTIONS.keys()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("name", FUNCTIONS)
def test_what_is_no_context_is_refused(name: str) -> None:
    """As none is; a monitor is no manager."""
    wrong = [*WRONG, *([Monitor(transports=FakeKernel())] if name in DIRECT else [])]

    assert {code(FUNCTIONS[name](one)) for one in wrong} == {(Code.INVAL, "NLM-A002")}


@pytest.mark.parametrize("wrong", [None, *WRONG], ids=lambda one: type(one).__name__)
@pytest.mark.parametrize("use_libnl", [False, True], ids=["legacy", "libnl"])
def test_what_is_no_protocol_is_refused(use_libnl: bool, wrong: Any) -> None:
    """Whatever is to be done with it."""
    ctx = Monitor(NetlinkConfig(use_libnl=use_libnl), transports=FakeKernel())
    names = [name for name, more in UNIFIED.items() if more == (0,)]
    results = [getattr(api, name)(ctx, wrong, use_libnl) for name in names]

    assert {code(result) for result in results} == {(Code.INVAL, "NLM-A005")}
    assert code(manager.nlmon_nl_reconnect(Manager(transports=FakeKernel()), wrong)) == (Code.INVAL, "NLM-A005")


@pytest.mark.parametrize("wrong", WRONG, ids=lambda one: type(one).__name__)
def test_what_is_no_callback_name_or_configuration_is_refused(wrong: Any) -> None:
    """When it is given, and not when it is used."""
    mgr = Manager(transports=FakeKernel())
    mgr.enable(api.NLMON_PROTO_GENERIC)
    results = [
        manager.nlmon_nl_set_callback(mgr, wrong, None),
        manager.nlmon_nl_resolve_family(mgr, None if isinstance(wrong, str) else wrong),  # type: ignore[arg-type]
        manager.nlmon_nl_apply_config(Manager(transports=FakeKernel()), wrong),
    ]
    for made in (Monitor, Manager):
        with pytest.raises(UsageError, match="NLM-A005"):
            made(wrong, transports=FakeKernel())

    assert {code(result) for result in results} == {(Code.INVAL, "NLM-A005")}
    assert manager.nlmon_nl_strerror(wrong) == f"unknown error {wrong}"


@pytest.mark.parametrize(
    "option",
    [
        {"use_libnl": "no"},
        {"enable_route": "no"},
        {"receive_buffer": "64K"},
        {"send_buffer": 1 << 31},
        {"caches": "link"},
        {"caches": None},
        {"generic_families": "nl80211"},
        {"generic_families": (16,)},
        {"message_pool_size": "8"},
    ],
    ids=str,
)
def test_an_option_of_a_wrong_kind_is_refused(option: dict[str, Any]) -> None:
    """A name alone is no list of names, and a buffer has no more bytes than an int of C can say."""
    with pytest.raises(UsageError, match=rf"NLM-B012: the option {next(iter(option))} "):
        NetlinkConfig(**option)


def test_a_switch_may_be_a_number() -> None:
    """As in C."""
    ctx = Monitor(NetlinkConfig(use_libnl=0, enable_route=1), transports=FakeKernel())  # type: ignore[arg-type]

    assert (ctx.config.implementation, api.nlmon_netlink_enable(ctx, 0, False)) == ("legacy", Code.SUCCESS)
