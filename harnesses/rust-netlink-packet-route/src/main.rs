//! What netlink-packet-route makes of recorded messages, by the harness protocol on stdin and stdout.
//!
//! Each message goes to `RtnlMessage::parse_with_param`, as the library's own connection would do. No socket is opened.
//!
//! Rules:
//! 1. The library keeps addresses as bytes. They are written here as text by the family of the message; a length that
//!    is none of an address is written in hexadecimal, so that it agrees with nothing.
//! 2. A panic is caught and reported as a crash, since the program goes on.
//!
//! Not here: what the library keeps as bytes that only another decoder takes apart, such as encapsulations.

use netlink_packet_route::rtnl::{address, link, neighbour, route, rule};
use netlink_packet_route::{RtnlMessage, RtnlMessageBuffer};
use netlink_packet_utils::traits::ParseableParametrized;
use serde_json::{json, Map, Value};
use std::io::{BufRead, Write};
use std::net::{Ipv4Addr, Ipv6Addr};

const LIBRARY: &str = "0.12.0";

fn hexadecimal(bytes: &[u8], between: &str) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(between)
}

fn ip(bytes: &[u8]) -> Value {
    if let Ok(four) = <[u8; 4]>::try_from(bytes) {
        json!(Ipv4Addr::from(four).to_string())
    } else if let Ok(sixteen) = <[u8; 16]>::try_from(bytes) {
        json!(Ipv6Addr::from(sixteen).to_string())
    } else {
        json!({ "hex": hexadecimal(bytes, "") })
    }
}

fn device(bytes: &[u8]) -> Value {
    json!(hexadecimal(bytes, ":"))
}

fn u32_of(bytes: &[u8]) -> Value {
    <[u8; 4]>::try_from(bytes).map_or(json!({ "hex": hexadecimal(bytes, "") }), |four| json!(u32::from_ne_bytes(four)))
}

fn pair<const SIZE: usize>(bytes: &[u8]) -> Value {
    if bytes.len() != 2 * SIZE {
        return json!({ "hex": hexadecimal(bytes, "") });
    }
    let one = |part: &[u8]| part.iter().rev().fold(0u64, |sum, byte| sum << 8 | u64::from(*byte));
    json!([one(&bytes[..SIZE]), one(&bytes[SIZE..])])
}

/// Fields by name; each kind starts with null for all it provides, so that a key is never missing.
type Fields = Map<String, Value>;

fn start(kind: &str) -> Fields {
    provides(kind).iter().map(|name| (name.to_string(), Value::Null)).collect()
}

fn provides(kind: &str) -> &'static [&'static str] {
    match kind {
        "link" => &[
            "family", "ifindex", "flags", "type", "change", "addr", "broadcast", "ifname", "mtu", "qdisc", "operstate",
            "ifalias", "carrier", "group", "master", "link", "link_netnsid", "txqlen", "promiscuity", "kind",
            "new_netnsid", "new_ifindex", "altnames",
        ],
        "addr" => &[
            "family", "ifindex", "prefixlen", "scope", "addr", "peer", "label", "flags", "broadcast", "anycast",
            "preferred_lifetime", "valid_lifetime",
        ],
        "route" => &[
            "family", "dst_len", "src_len", "tos", "protocol", "scope", "type", "flags", "table", "dst", "src",
            "gateway", "prefsrc", "oif", "iif", "priority", "multipath", "flow", "mark", "pref", "encap_type",
        ],
        "hop" => &["ifindex", "weight", "flags", "gateway"],
        "neigh" => &[
            "family", "ifindex", "state", "flags", "type", "dst", "lladdr", "probes", "vlan", "port", "vni",
            "nda_ifindex", "master", "link_netnsid", "src_vni",
        ],
        _ => &[
            "family", "dst_len", "src_len", "tos", "action", "flags", "table", "priority", "dst", "src", "iifname",
            "oifname", "fwmark", "fwmask", "ip_proto", "sport_range", "dport_range", "uid_range", "tun_id", "l3mdev",
            "goto", "suppress_prefixlen", "suppress_ifgroup", "flow", "protocol",
        ],
    }
}

fn set(fields: &mut Fields, name: &str, value: Value) {
    fields.insert(name.to_string(), value);
}

fn link(message: &link::LinkMessage) -> Fields {
    use link::nlas::{Info, InfoKind, Nla, Prop};
    let (h, mut f) = (&message.header, start("link"));
    set(&mut f, "family", json!(h.interface_family));
    set(&mut f, "ifindex", json!(h.index));
    set(&mut f, "flags", json!(h.flags));
    set(&mut f, "type", json!(h.link_layer_type));
    set(&mut f, "change", json!(h.change_mask));
    for nla in &message.nlas {
        match nla {
            Nla::Address(bytes) => set(&mut f, "addr", device(bytes)),
            Nla::Broadcast(bytes) => set(&mut f, "broadcast", device(bytes)),
            Nla::IfName(text) => set(&mut f, "ifname", json!(text)),
            Nla::Qdisc(text) => set(&mut f, "qdisc", json!(text)),
            Nla::IfAlias(text) => set(&mut f, "ifalias", json!(text)),
            Nla::Mtu(number) => set(&mut f, "mtu", json!(number)),
            Nla::OperState(state) => set(&mut f, "operstate", json!(u8::from(*state))),
            Nla::Carrier(number) => set(&mut f, "carrier", json!(number)),
            Nla::Group(number) => set(&mut f, "group", json!(number)),
            Nla::Master(number) => set(&mut f, "master", json!(number)),
            Nla::Link(number) => set(&mut f, "link", json!(number)),
            Nla::NetnsId(number) => set(&mut f, "link_netnsid", json!(number)),
            Nla::TxQueueLen(number) => set(&mut f, "txqlen", json!(number)),
            Nla::Promiscuity(number) => set(&mut f, "promiscuity", json!(number)),
            Nla::NewNetnsId(bytes) => set(&mut f, "new_netnsid", u32_of(bytes)),
            Nla::NewIfIndex(bytes) => set(&mut f, "new_ifindex", u32_of(bytes)),
            Nla::PropList(list) => {
                let name = |one: &Prop| if let Prop::AltIfName(text) = one { Some(text.clone()) } else { None };
                set(&mut f, "altnames", json!(list.iter().filter_map(name).collect::<Vec<_>>()));
            }
            Nla::Info(list) => {
                for info in list {
                    if let Info::Kind(kind) = info {
                        set(&mut f, "kind", json!(kind_name(kind)));
                    }
                }
            }
            _ => (),
        }
    }
    fn kind_name(kind: &InfoKind) -> String {
        use netlink_packet_utils::nla::Nla;
        let mut bytes = vec![0; kind.value_len()];
        kind.emit_value(&mut bytes);
        String::from_utf8_lossy(&bytes).trim_end_matches('\0').to_string()
    }
    f
}

fn addr(message: &address::AddressMessage) -> Fields {
    use address::Nla;
    let (h, mut f) = (&message.header, start("addr"));
    let (mut own, mut local) = (None, None);
    set(&mut f, "family", json!(h.family));
    set(&mut f, "ifindex", json!(h.index));
    set(&mut f, "prefixlen", json!(h.prefix_len));
    set(&mut f, "scope", json!(h.scope));
    set(&mut f, "flags", json!(h.flags));
    for nla in &message.nlas {
        match nla {
            Nla::Address(bytes) => own = Some(bytes),
            Nla::Local(bytes) => local = Some(bytes),
            Nla::Label(text) => set(&mut f, "label", json!(text)),
            Nla::Broadcast(bytes) => set(&mut f, "broadcast", ip(bytes)),
            Nla::Anycast(bytes) => set(&mut f, "anycast", ip(bytes)),
            Nla::Flags(number) => set(&mut f, "flags", json!(number)),
            Nla::CacheInfo(bytes) if bytes.len() >= 8 => {
                set(&mut f, "preferred_lifetime", u32_of(&bytes[..4]));
                set(&mut f, "valid_lifetime", u32_of(&bytes[4..8]));
            }
            _ => (),
        }
    }
    if let Some(bytes) = local.or(own) {
        set(&mut f, "addr", ip(bytes));
    }
    if let (Some(own), Some(local)) = (own, local) {
        if own != local {
            set(&mut f, "peer", ip(own));
        }
    }
    f
}

fn route(message: &route::RouteMessage) -> Fields {
    use route::nlas::Nla;
    let (h, mut f) = (&message.header, start("route"));
    set(&mut f, "family", json!(h.address_family));
    set(&mut f, "dst_len", json!(h.destination_prefix_length));
    set(&mut f, "src_len", json!(h.source_prefix_length));
    set(&mut f, "tos", json!(h.tos));
    set(&mut f, "table", json!(h.table));
    set(&mut f, "protocol", json!(h.protocol));
    set(&mut f, "scope", json!(h.scope));
    set(&mut f, "type", json!(h.kind));
    set(&mut f, "flags", json!(h.flags.bits()));
    for nla in &message.nlas {
        match nla {
            Nla::Destination(bytes) => set(&mut f, "dst", ip(bytes)),
            Nla::Source(bytes) => set(&mut f, "src", ip(bytes)),
            Nla::Gateway(bytes) => set(&mut f, "gateway", ip(bytes)),
            Nla::PrefSource(bytes) => set(&mut f, "prefsrc", ip(bytes)),
            Nla::Oif(number) => set(&mut f, "oif", json!(number)),
            Nla::Iif(number) => set(&mut f, "iif", json!(number)),
            Nla::Priority(number) => set(&mut f, "priority", json!(number)),
            Nla::Table(number) => set(&mut f, "table", json!(number)),
            Nla::Flow(number) => set(&mut f, "flow", json!(number)),
            Nla::Mark(number) => set(&mut f, "mark", json!(number)),
            Nla::EncapType(number) => set(&mut f, "encap_type", json!(number)),
            Nla::Pref(bytes) => set(&mut f, "pref", bytes.first().map_or(Value::Null, |byte| json!(byte))),
            Nla::MultiPath(hops) => set(&mut f, "multipath", hops.iter().map(hop).collect()),
            _ => (),
        }
    }
    fn hop(hop: &route::nlas::NextHop) -> Value {
        let gateway = hop.nlas.iter().find_map(|nla| if let Nla::Gateway(bytes) = nla { Some(ip(bytes)) } else { None });
        json!({"ifindex": hop.interface_id, "weight": u32::from(hop.hops) + 1, "flags": hop.flags.bits(),
               "gateway": gateway})
    }
    f
}

fn neigh(message: &neighbour::NeighbourMessage) -> Fields {
    use neighbour::nlas::Nla;
    let (h, mut f) = (&message.header, start("neigh"));
    set(&mut f, "family", json!(h.family));
    set(&mut f, "ifindex", json!(h.ifindex));
    set(&mut f, "state", json!(h.state));
    set(&mut f, "flags", json!(h.flags));
    set(&mut f, "type", json!(h.ntype));
    for nla in &message.nlas {
        match nla {
            Nla::Destination(bytes) => set(&mut f, "dst", ip(bytes)),
            Nla::LinkLocalAddress(bytes) => set(&mut f, "lladdr", device(bytes)),
            Nla::Probes(bytes) => set(&mut f, "probes", u32_of(bytes)),
            Nla::Vlan(number) => set(&mut f, "vlan", json!(number)),
            Nla::Port(bytes) if bytes.len() == 2 => {
                set(&mut f, "port", json!(u16::from_be_bytes([bytes[0], bytes[1]])))
            }
            Nla::Vni(number) => set(&mut f, "vni", json!(number)),
            Nla::IfIndex(number) => set(&mut f, "nda_ifindex", json!(number)),
            Nla::Master(bytes) => set(&mut f, "master", u32_of(bytes)),
            Nla::LinkNetNsId(bytes) => set(&mut f, "link_netnsid", u32_of(bytes)),
            Nla::SourceVni(number) => set(&mut f, "src_vni", json!(number)),
            _ => (),
        }
    }
    f
}

fn rule(message: &rule::RuleMessage) -> Fields {
    use rule::nlas::Nla;
    let (h, mut f) = (&message.header, start("rule"));
    set(&mut f, "family", json!(h.family));
    set(&mut f, "dst_len", json!(h.dst_len));
    set(&mut f, "src_len", json!(h.src_len));
    set(&mut f, "tos", json!(h.tos));
    set(&mut f, "table", json!(h.table));
    set(&mut f, "action", json!(h.action));
    set(&mut f, "flags", json!(h.flags));
    for nla in &message.nlas {
        match nla {
            Nla::Destination(bytes) => set(&mut f, "dst", ip(bytes)),
            Nla::Source(bytes) => set(&mut f, "src", ip(bytes)),
            Nla::Iifname(text) => set(&mut f, "iifname", json!(text)),
            Nla::OifName(text) => set(&mut f, "oifname", json!(text)),
            Nla::Goto(number) => set(&mut f, "goto", json!(number)),
            Nla::Priority(number) => set(&mut f, "priority", json!(number)),
            Nla::FwMark(number) => set(&mut f, "fwmark", json!(number)),
            Nla::FwMask(number) => set(&mut f, "fwmask", json!(number)),
            Nla::Flow(number) => set(&mut f, "flow", json!(number)),
            Nla::TunId(number) => set(&mut f, "tun_id", json!(number)),
            Nla::SuppressIfGroup(number) => set(&mut f, "suppress_ifgroup", json!(number)),
            Nla::SuppressPrefixLen(number) => set(&mut f, "suppress_prefixlen", json!(number)),
            Nla::Table(number) => set(&mut f, "table", json!(number)),
            Nla::L3MDev(number) => set(&mut f, "l3mdev", json!(number)),
            Nla::UidRange(bytes) => set(&mut f, "uid_range", pair::<4>(bytes)),
            Nla::Protocol(number) => set(&mut f, "protocol", json!(number)),
            Nla::IpProto(number) => set(&mut f, "ip_proto", json!(number)),
            Nla::SourcePortRange(bytes) => set(&mut f, "sport_range", pair::<2>(bytes)),
            Nla::DestinationPortRange(bytes) => set(&mut f, "dport_range", pair::<2>(bytes)),
            _ => (),
        }
    }
    f
}

fn outcome(msg_type: u16, body: &[u8]) -> Value {
    if ![16, 17, 20, 21, 24, 25, 28, 29, 32, 33].contains(&msg_type) {
        return json!({"skip": "unsupported"});
    }
    let parsed =
        std::panic::catch_unwind(|| RtnlMessage::parse_with_param(&RtnlMessageBuffer::new(&body), msg_type));
    let (kind, fields) = match parsed {
        Err(_) => return json!({"error": {"code": "crash", "text": "a panic, see stderr"}}),
        Ok(Err(error)) => return json!({"error": {"code": "refused", "text": format!("{error:?}")}}),
        Ok(Ok(RtnlMessage::NewLink(one) | RtnlMessage::DelLink(one))) => ("link", link(&one)),
        Ok(Ok(RtnlMessage::NewAddress(one) | RtnlMessage::DelAddress(one))) => ("addr", addr(&one)),
        Ok(Ok(RtnlMessage::NewRoute(one) | RtnlMessage::DelRoute(one))) => ("route", route(&one)),
        Ok(Ok(RtnlMessage::NewNeighbour(one) | RtnlMessage::DelNeighbour(one))) => ("neigh", neigh(&one)),
        Ok(Ok(RtnlMessage::NewRule(one) | RtnlMessage::DelRule(one))) => ("rule", rule(&one)),
        Ok(Ok(_)) => return json!({"error": {"code": "nothing", "text": "a message of another type"}}),
    };
    json!({"kind": kind, "fields": fields})
}

fn events(data: &[u8]) -> Vec<Value> {
    let (mut found, mut at) = (vec![], 0);
    while data.len() - at >= 16 {
        let length = u32::from_ne_bytes([data[at], data[at + 1], data[at + 2], data[at + 3]]) as usize;
        let msg_type = u16::from_ne_bytes([data[at + 4], data[at + 5]]);
        if length < 16 || length > data.len() - at {
            break;
        }
        let mut event = outcome(msg_type, &data[at + 16..at + length]);
        event["offset"] = json!(at);
        event["type"] = json!(msg_type);
        found.push(event);
        at = (at + ((length + 3) & !3)).min(data.len());
    }
    found
}

fn base64(text: &str) -> Vec<u8> {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bytes, mut bits, mut have) = (vec![], 0u32, 0);
    for value in text.bytes().map_while(|byte| DIGITS.iter().position(|digit| *digit == byte)) {
        bits = bits << 6 | value as u32;
        have += 6;
        if have >= 8 {
            have -= 8;
            bytes.push((bits >> have) as u8);
        }
    }
    bytes
}

fn hello() -> Value {
    let kinds = ["link", "addr", "route", "hop", "neigh", "rule"];
    let all: Fields = kinds.iter().map(|kind| (kind.to_string(), json!(provides(kind)))).collect();
    json!({"hello": {"name": "rust-netlink-packet-route", "version": LIBRARY, "language": "Rust", "protocol": 1,
                     "netlink": [0], "mode": "stream", "provides": all, "absent": {}}})
}

fn main() {
    let (mut datagrams, mut count) = (0, 0);
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let asked: Value = serde_json::from_str(&line.expect("a line")).expect("JSON");
        let answer = match asked["cmd"].as_str() {
            Some("hello") => {
                let order = if cfg!(target_endian = "big") { "big" } else { "little" };
                if asked["byteorder"].as_str().unwrap_or(order) != order {
                    eprintln!("netlink-packet-route reads messages of this machine's byte order alone");
                    std::process::exit(4);
                }
                hello()
            }
            Some("datagram") => {
                let found = events(&base64(asked["data"].as_str().expect("data")));
                datagrams += 1;
                count += found.len();
                json!({"n": asked["n"], "events": found})
            }
            _ => {
                writeln!(out, "{}", json!({"bye": {"datagrams": datagrams, "events": count}})).expect("stdout");
                return;
            }
        };
        writeln!(out, "{answer}").expect("stdout");
        out.flush().expect("stdout");
    }
    std::process::exit(5); // without an end
}
