// What jsimonetti/rtnetlink makes of recorded messages, by the harness protocol on stdin and stdout.
//
// Each message goes to the UnmarshalBinary of its type, as the library's own connection would do. No socket is opened.
//
// Rules:
//  1. A number that the library keeps without a pointer is 0 where the message lacks it; "absent" in the answer to hello
//     says so.
//  2. A panic is caught and reported as a crash, since the program goes on.
//
// Not here: what the library does not decode, such as IPv4 gateways of another family and encapsulations.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"unsafe"

	"github.com/jsimonetti/rtnetlink"
)

type fields map[string]interface{}

type event struct {
	Offset int     `json:"offset"`
	Type   uint16  `json:"type"`
	Kind   string  `json:"kind,omitempty"`
	Fields fields  `json:"fields,omitempty"`
	Error  *refuse `json:"error,omitempty"`
	Skip   string  `json:"skip,omitempty"`
}

type refuse struct {
	Code string `json:"code"`
	Text string `json:"text"`
}

type request struct {
	Cmd       string `json:"cmd"`
	N         int    `json:"n"`
	Netlink   int    `json:"netlink"`
	Data      []byte `json:"data"`
	ByteOrder string `json:"byteorder"`
}

var provides = map[string][]string{
	"link": {"family", "ifindex", "flags", "type", "change", "addr", "broadcast", "ifname", "mtu", "qdisc", "operstate",
		"ifalias", "carrier", "group", "master", "txqlen", "kind", "slave_kind", "link"},
	"addr": {"family", "ifindex", "prefixlen", "scope", "addr", "peer", "label", "flags", "broadcast", "anycast",
		"preferred_lifetime", "valid_lifetime"},
	"route": {"family", "dst_len", "src_len", "tos", "protocol", "scope", "type", "flags", "table", "dst", "gateway",
		"prefsrc", "oif", "priority", "multipath", "mark", "pref"},
	"hop":   {"ifindex", "weight", "flags", "gateway"},
	"neigh": {"family", "ifindex", "state", "flags", "type", "dst", "lladdr", "nda_ifindex"},
	"rule": {"family", "dst_len", "src_len", "tos", "action", "flags", "table", "priority", "dst", "src", "iifname",
		"oifname", "fwmark", "fwmask", "ip_proto", "sport_range", "dport_range", "uid_range", "tun_id", "l3mdev", "goto",
		"suppress_prefixlen", "suppress_ifgroup", "flow", "protocol"},
}

var absent = map[string]interface{}{
	"link.mtu": 0, "link.ifname": "", "link.qdisc": "", "link.operstate": 0, "link.kind": "", "link.slave_kind": "",
	"link.link": 0, "addr.label": "", "addr.preferred_lifetime": 0, "addr.valid_lifetime": 0, "route.oif": 0,
	"route.priority": 0, "route.mark": 0, "neigh.nda_ifindex": 0,
}

// An address as text, null where there is none. Go keeps an IPv4 address in either 4 or 16 bytes; a length that is none
// of these is printed in hexadecimal, so that it agrees with nothing.
func ip(address net.IP) interface{} {
	switch len(address) {
	case 0:
		return nil
	case 4, 16:
		if len(address) == 16 && address.To4() != nil {
			return map[string]string{"hex": fmt.Sprintf("%x", []byte(address))} // Go would print it as IPv4
		}
		return address.String()
	}
	return map[string]string{"hex": fmt.Sprintf("%x", []byte(address))}
}

func ipAt(address *net.IP) interface{} {
	if address == nil {
		return nil
	}
	return ip(*address)
}

func device(address net.HardwareAddr) interface{} {
	if address == nil {
		return nil
	}
	return address.String()
}

func link(data []byte) (fields, error) {
	var m rtnetlink.LinkMessage
	if err := m.UnmarshalBinary(data); err != nil {
		return nil, err
	}
	f := fields{"family": m.Family, "ifindex": m.Index, "flags": m.Flags, "type": m.Type, "change": m.Change}
	a := m.Attributes
	if a == nil {
		a = &rtnetlink.LinkAttributes{}
	}
	f["addr"], f["broadcast"] = device(a.Address), device(a.Broadcast)
	f["ifname"], f["mtu"], f["qdisc"], f["operstate"] = a.Name, a.MTU, a.QueueDisc, a.OperationalState
	f["ifalias"], f["carrier"], f["group"], f["master"] = a.Alias, a.Carrier, a.NetDevGroup, a.Master
	f["txqlen"], f["link"] = a.TxQueueLen, a.Type
	f["kind"], f["slave_kind"] = "", ""
	if a.Info != nil {
		f["kind"], f["slave_kind"] = a.Info.Kind, a.Info.SlaveKind
	}
	return f, nil
}

func addr(data []byte) (fields, error) {
	var m rtnetlink.AddressMessage
	if err := m.UnmarshalBinary(data); err != nil {
		return nil, err
	}
	a := m.Attributes
	if a == nil {
		a = &rtnetlink.AddressAttributes{}
	}
	f := fields{"family": m.Family, "ifindex": m.Index, "prefixlen": m.PrefixLength, "scope": m.Scope}
	f["addr"], f["peer"] = ip(a.Local), nil
	if len(a.Local) == 0 {
		f["addr"] = ip(a.Address)
	} else if !a.Local.Equal(a.Address) {
		f["peer"] = ip(a.Address)
	}
	f["label"], f["broadcast"], f["anycast"] = a.Label, ip(a.Broadcast), ip(a.Anycast)
	f["preferred_lifetime"], f["valid_lifetime"] = a.CacheInfo.Prefered, a.CacheInfo.Valid
	f["flags"] = a.Flags
	if a.Flags == 0 {
		f["flags"] = m.Flags
	}
	return f, nil
}

func route(data []byte) (fields, error) {
	var m rtnetlink.RouteMessage
	if err := m.UnmarshalBinary(data); err != nil {
		return nil, err
	}
	a := m.Attributes
	f := fields{"family": m.Family, "dst_len": m.DstLength, "src_len": m.SrcLength, "tos": m.Tos, "table": a.Table,
		"protocol": m.Protocol, "scope": m.Scope, "type": m.Type, "flags": m.Flags}
	if a.Table == 0 {
		f["table"] = m.Table
	}
	f["dst"], f["gateway"], f["prefsrc"] = ip(a.Dst), ip(a.Gateway), ip(a.Src) // its Src is RTA_PREFSRC
	f["oif"], f["priority"], f["mark"], f["pref"] = a.OutIface, a.Priority, a.Mark, a.Pref
	f["multipath"] = nil
	if a.Multipath != nil {
		hops := []fields{}
		for _, hop := range a.Multipath {
			hops = append(hops, fields{"ifindex": hop.Hop.IfIndex, "weight": int(hop.Hop.Hops) + 1,
				"flags": hop.Hop.Flags, "gateway": ip(hop.Gateway)})
		}
		f["multipath"] = hops
	}
	return f, nil
}

func neigh(data []byte) (fields, error) {
	var m rtnetlink.NeighMessage
	if err := m.UnmarshalBinary(data); err != nil {
		return nil, err
	}
	a := m.Attributes
	if a == nil {
		a = &rtnetlink.NeighAttributes{}
	}
	return fields{"family": m.Family, "ifindex": m.Index, "state": m.State, "flags": m.Flags, "type": m.Type,
		"dst": ip(a.Address), "lladdr": device(a.LLAddress), "nda_ifindex": a.IfIndex}, nil
}

func rule(data []byte) (fields, error) {
	var m rtnetlink.RuleMessage
	if err := m.UnmarshalBinary(data); err != nil {
		return nil, err
	}
	a := m.Attributes
	if a == nil {
		a = &rtnetlink.RuleAttributes{}
	}
	f := fields{"family": m.Family, "dst_len": m.DstLength, "src_len": m.SrcLength, "tos": m.TOS, "action": m.Action,
		"flags": m.Flags, "table": m.Table, "priority": a.Priority, "dst": ipAt(a.Dst), "src": ipAt(a.Src),
		"iifname": a.IIFName, "oifname": a.OIFName, "fwmark": a.FwMark, "fwmask": a.FwMask, "ip_proto": a.IPProto,
		"tun_id": nil, "l3mdev": a.L3MDev, "goto": a.Goto, "suppress_prefixlen": a.SuppressPrefixLen,
		"suppress_ifgroup": a.SuppressIFGroup, "protocol": a.Protocol, "flow": nil, "uid_range": nil,
		"sport_range": nil, "dport_range": nil}
	if a.Table != nil {
		f["table"] = *a.Table
	}
	if a.TunID != nil {
		f["tun_id"] = fmt.Sprint(*a.TunID)
	}
	if a.SrcRealm != nil && a.DstRealm != nil {
		f["flow"] = uint32(*a.SrcRealm)<<16 | uint32(*a.DstRealm)
	}
	if a.UIDRange != nil {
		f["uid_range"] = []uint64{uint64(a.UIDRange.Start), uint64(a.UIDRange.End)}
	}
	if a.SPortRange != nil {
		f["sport_range"] = []uint64{uint64(a.SPortRange.Start), uint64(a.SPortRange.End)}
	}
	if a.DPortRange != nil {
		f["dport_range"] = []uint64{uint64(a.DPortRange.Start), uint64(a.DPortRange.End)}
	}
	return f, nil
}

var kinds = map[uint16]struct {
	name   string
	decode func([]byte) (fields, error)
}{
	16: {"link", link}, 17: {"link", link}, 20: {"addr", addr}, 21: {"addr", addr}, 24: {"route", route},
	25: {"route", route}, 28: {"neigh", neigh}, 29: {"neigh", neigh}, 32: {"rule", rule}, 33: {"rule", rule},
}

func outcome(e event, data []byte) (result event) {
	kind, known := kinds[e.Type]
	if !known {
		e.Skip = "unsupported"
		return e
	}
	defer func() {
		if what := recover(); what != nil {
			e.Kind, e.Fields, e.Error = "", nil, &refuse{"crash", fmt.Sprint(what)}
			result = e
		}
	}()
	found, err := kind.decode(data)
	if err != nil {
		e.Error = &refuse{"refused", err.Error()}
		return e
	}
	e.Kind, e.Fields = kind.name, found
	return e
}

func u16(data []byte) uint16 { return *(*uint16)(unsafe.Pointer(&data[0])) }
func u32(data []byte) uint32 { return *(*uint32)(unsafe.Pointer(&data[0])) }

func events(data []byte) []event {
	found := []event{}
	for at := 0; len(data)-at >= 16; {
		length := int(u32(data[at:]))
		if length < 16 || length > len(data)-at {
			break
		}
		found = append(found, outcome(event{Offset: at, Type: u16(data[at+4:])}, data[at+16:at+length]))
		at += (length + 3) &^ 3
	}
	return found
}

func main() {
	in, out := bufio.NewReaderSize(os.Stdin, 1<<16), bufio.NewWriter(os.Stdout)
	answers := json.NewEncoder(out)
	datagrams, count, one := 0, 0, uint16(1)
	order := map[byte]string{0: "big", 1: "little"}[*(*byte)(unsafe.Pointer(&one))]
	for {
		line, err := in.ReadBytes('\n')
		if err != nil {
			os.Exit(5) // without an end
		}
		var asked request
		if err := json.Unmarshal(line, &asked); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
		switch asked.Cmd {
		case "hello":
			if asked.ByteOrder != "" && asked.ByteOrder != order {
				fmt.Fprintln(os.Stderr, "rtnetlink reads messages of this machine's byte order alone")
				os.Exit(4)
			}
			answers.Encode(fields{"hello": fields{"name": "go-rtnetlink", "version": version, "language": "Go",
				"protocol": 1, "netlink": []int{0}, "mode": "stream", "provides": provides, "absent": absent}})
		case "datagram":
			found := events(asked.Data)
			datagrams, count = datagrams+1, count+len(found)
			answers.Encode(fields{"n": asked.N, "events": found})
		default:
			answers.Encode(fields{"bye": fields{"datagrams": datagrams, "events": count}})
			out.Flush()
			return
		}
		out.Flush()
	}
}

// Set by what builds this, from the package of the library.
var version = "unknown"
