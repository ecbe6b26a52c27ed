"""Policies of IPsec messages. pyroute2 has no definitions for them; the numbers are those of linux/xfrm.h.

Not here: keys, which are never read.
"""

from __future__ import annotations

from nlmon.backends.libnl.policies import Attr, Policy

__all__ = ["POLICY", "STATE"]

NUMBERS = {
    "XFRMA_ALG_AUTH": 1,
    "XFRMA_ALG_CRYPT": 2,
    "XFRMA_ALG_COMP": 3,
    "XFRMA_ENCAP": 4,
    "XFRMA_TMPL": 5,
    "XFRMA_SA": 6,
    "XFRMA_POLICY": 7,
    "XFRMA_LTIME_VAL": 9,
    "XFRMA_POLICY_TYPE": 16,
    "XFRMA_ALG_AEAD": 18,
    "XFRMA_ALG_AUTH_TRUNC": 20,
    "XFRMA_MARK": 21,
    "XFRMA_SA_EXTRA_FLAGS": 24,
    "XFRMA_IF_ID": 31,
}

STATE = Policy(
    "",
    (
        Attr("auth", "XFRMA_ALG_AUTH", "algorithm"),
        Attr("auth_trunc", "XFRMA_ALG_AUTH_TRUNC", "auth_algorithm"),
        Attr("crypt", "XFRMA_ALG_CRYPT", "algorithm"),
        Attr("aead", "XFRMA_ALG_AEAD", "aead_algorithm"),
        Attr("comp", "XFRMA_ALG_COMP", "algorithm"),
        Attr("encap", "XFRMA_ENCAP", "encap"),
        Attr("mark", "XFRMA_MARK", "u32_pair"),
        Attr("if_id", "XFRMA_IF_ID", "u32"),
        Attr("extra_flags", "XFRMA_SA_EXTRA_FLAGS", "u32"),
        Attr("state", "XFRMA_SA", "state"),
        # struct xfrm_lifetime_cur: bytes, packets, add_time, use_time
        Attr("bytes", "XFRMA_LTIME_VAL", "u64", begin=0),
        Attr("packets", "XFRMA_LTIME_VAL", "u64", begin=8),
    ),
    NUMBERS,
)

POLICY = Policy(
    "",
    (
        # struct xfrm_userpolicy_type: type, reserved
        Attr("type", "XFRMA_POLICY_TYPE", "u8"),
        Attr("templates", "XFRMA_TMPL", "templates"),
        Attr("mark", "XFRMA_MARK", "u32_pair"),
        Attr("if_id", "XFRMA_IF_ID", "u32"),
        Attr("policy", "XFRMA_POLICY", "policy"),
    ),
    NUMBERS,
)
