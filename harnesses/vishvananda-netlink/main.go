// What vishvananda/netlink makes of recorded messages, by the harness protocol on stdin and stdout.
//
// Each message goes to the function that the library's own subscriptions and lists give it to. Two of these have no
// public name, and are linked to by their own. No socket is opened but where the library asks for a link itself.
//
// Rules:
//  1. A value that the library keeps without saying that it is not there is declared in "absent".
//  2. A panic is caught and reported as a crash, since the program goes on.
//
// Not here: rules, which the library takes apart while it lists them, and what it keeps of metrics and encapsulations.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"strconv"
	"unsafe"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

//go:linkname parseAddr github.com/vishvananda/netlink.parseAddr
func parseAddr(m []byte) (addr netlink.Addr, family int, err error)

//go:linkname deserializeRoute github.com/vishvananda/netlink.deserializeRoute
func deserializeRoute(m []byte) (netlink.Route, error)

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
	"link": {"ifindex", "flags", "addr", "ifname", "mtu", "operstate", "ifalias", "group", "master", "link",
		"link_netnsid", "txqlen", "kind"},
	"addr": {"family", "ifindex", "prefixlen", "scope", "addr", "peer", "label", "flags", "broadcast",
		"preferred_lifetime", "valid_lifetime"},
	"route": {"family", "dst_len", "tos", "protocol", "scope", "type", "flags", "table", "dst", "gateway", "prefsrc",
		"oif", "iif", "priority", "multipath", "via", "flow"},
	"hop":   {"ifindex", "weight", "flags", "gateway", "via"},
	"neigh": {"family", "ifindex", "state", "flags", "type", "dst", "lladdr", "vlan", "vni", "master"},
}

// Of an MPLS route there is a label, and no length.
var families = map[string][]int{"route.dst_len": {2, 10, 128, 129}}

var absent = map[string]interface{}{
	"link.mtu": 0, "link.ifname": "", "link.operstate": 0, "link.ifalias": "", "link.group": 0, "link.master": 0,
	"link.link": 0, "link.link_netnsid": -1, "link.txqlen": -1, "link.kind": "", "addr.label": "", "addr.flags": 0,
	"addr.preferred_lifetime": 0, "addr.valid_lifetime": 0, "route.oif": 0, "route.iif": 0, "route.priority": 0,
	"route.flow": 0, "neigh.vlan": 0, "neigh.vni": 0, "neigh.master": 0,
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

func device(address net.HardwareAddr) interface{} {
	if address == nil {
		return nil
	}
	return address.String()
}

func ones(network *net.IPNet) interface{} {
	if network == nil {
		return 0
	}
	length, _ := network.Mask.Size()
	return length
}

func inside(network *net.IPNet) interface{} {
	if network == nil {
		return nil
	}
	return ip(network.IP)
}

func via(found netlink.Destination) interface{} {
	if found == nil {
		return nil
	}
	one := found.(*netlink.Via)
	return map[int]string{unix.AF_INET: "inet ", unix.AF_INET6: "inet6 "}[one.AddrFamily] + one.Addr.String()
}

func link(data []byte, msgType uint16) (fields, error) {
	found, err := netlink.LinkDeserialize(&unix.NlMsghdr{Type: msgType}, data)
	if err != nil {
		return nil, err
	}
	a, kind := found.Attrs(), found.Type()
	switch found.(type) {
	case *netlink.Device:
		kind = ""
	case *netlink.Tuntap:
		kind = "tun" // another name of the same
	}
	return fields{"ifindex": a.Index, "flags": a.RawFlags, "addr": device(a.HardwareAddr), "ifname": a.Name,
		"mtu": a.MTU, "operstate": a.OperState, "ifalias": a.Alias, "group": a.Group, "master": a.MasterIndex,
		"link": a.ParentIndex, "link_netnsid": a.NetNsID, "txqlen": a.TxQLen, "kind": kind}, nil
}

func addr(data []byte, _ uint16) (fields, error) {
	a, family, err := parseAddr(data)
	if err != nil {
		return nil, err
	}
	f := fields{"family": family, "ifindex": a.LinkIndex, "scope": a.Scope, "addr": inside(a.IPNet), "label": a.Label,
		"flags": a.Flags, "broadcast": ip(a.Broadcast), "preferred_lifetime": a.PreferedLft,
		"valid_lifetime": a.ValidLft, "peer": inside(a.Peer), "prefixlen": ones(a.IPNet)}
	if a.Peer != nil { // whose prefix it is
		f["prefixlen"] = ones(a.Peer)
	}
	return f, nil
}

func route(data []byte, _ uint16) (fields, error) {
	r, err := deserializeRoute(data)
	if err != nil {
		return nil, err
	}
	f := fields{"family": r.Family, "tos": r.Tos, "protocol": r.Protocol, "scope": r.Scope, "type": r.Type,
		"flags": r.Flags, "table": r.Table, "gateway": ip(r.Gw), "prefsrc": ip(r.Src), "oif": r.LinkIndex,
		"iif": r.ILinkIndex, "priority": r.Priority, "flow": r.Realm, "via": via(r.Via), "multipath": nil}
	if r.MPLSDst != nil {
		f["dst"] = strconv.Itoa(*r.MPLSDst)
	} else {
		f["dst"], f["dst_len"] = inside(r.Dst), ones(r.Dst)
	}
	if r.MultiPath != nil {
		hops := []fields{}
		for _, hop := range r.MultiPath {
			hops = append(hops, fields{"ifindex": hop.LinkIndex, "weight": hop.Hops + 1, "flags": hop.Flags,
				"gateway": ip(hop.Gw), "via": via(hop.Via)})
		}
		f["multipath"] = hops
	}
	return f, nil
}

func neigh(data []byte, _ uint16) (fields, error) {
	n, err := netlink.NeighDeserialize(data)
	if err != nil {
		return nil, err
	}
	f := fields{"family": n.Family, "ifindex": n.LinkIndex, "state": n.State, "flags": n.Flags, "type": n.Type,
		"dst": ip(n.IP), "lladdr": device(n.HardwareAddr), "vlan": n.Vlan, "vni": n.VNI, "master": n.MasterIndex}
	if n.LLIPAddr != nil {
		f["lladdr"] = device(net.HardwareAddr(n.LLIPAddr))
	}
	return f, nil
}

var kinds = map[uint16]struct {
	name   string
	decode func([]byte, uint16) (fields, error)
}{
	16: {"link", link}, 17: {"link", link}, 20: {"addr", addr}, 21: {"addr", addr}, 24: {"route", route},
	25: {"route", route}, 28: {"neigh", neigh}, 29: {"neigh", neigh},
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
	found, err := kind.decode(data, e.Type)
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
				fmt.Fprintln(os.Stderr, "netlink reads messages of this machine's byte order alone")
				os.Exit(4)
			}
			answers.Encode(fields{"hello": fields{"name": "vishvananda-netlink", "version": version, "language": "Go",
				"protocol": 1, "netlink": []int{0}, "mode": "stream", "provides": provides, "absent": absent,
				"families": families}})
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
