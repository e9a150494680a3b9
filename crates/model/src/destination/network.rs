//! Ranges of addresses, and which addresses lead inside.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// An address, or all that begin with the same bits: `10.0.0.0/8`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IpNetwork {
    /// Its first address: all other bits are 0.
    first: IpAddr,
    /// How many bits they share.
    prefix: u8,
}

impl IpNetwork {
    /// True where the address is in it. An IPv4 address that is written as an IPv6 one counts as what it is.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address.is_ipv4() == self.first.is_ipv4() && masked(address, self.prefix) == bits(self.first)
    }

    /// True for IPv6.
    pub fn is_v6(&self) -> bool {
        self.first.is_ipv6()
    }
}

impl FromStr for IpNetwork {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let first: IpAddr = address.parse().map_err(|_| "its host is not an IP address")?;
        if first != first.to_canonical() {
            return Err("an IPv4 address is written as one");
        }
        let most = width(first);
        let prefix = match prefix {
            None => most,
            Some(digits) if digits.starts_with('+') => return Err("its prefix is no number"),
            Some(digits) => digits.parse().ok().filter(|prefix| *prefix <= most).ok_or("its prefix is too long")?,
        };
        if masked(first, prefix) != bits(first) {
            return Err("its address has bits beyond its prefix");
        }
        Ok(Self { first, prefix })
    }
}

impl fmt::Display for IpNetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.prefix == width(self.first) { self.first.fmt(f) } else { write!(f, "{}/{}", self.first, self.prefix) }
    }
}

fn width(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(address.to_bits()),
        IpAddr::V6(address) => address.to_bits(),
    }
}

fn masked(address: IpAddr, prefix: u8) -> u128 {
    let rest = u32::from(width(address).saturating_sub(prefix));
    bits(address).checked_shr(rest).and_then(|kept| kept.checked_shl(rest)).unwrap_or(0)
}

/// True where an address leads to this machine or into a private network, or to no single host at all: what is not
/// globally reachable unicast (the IANA special-purpose registries), and what IPv6 wraps around such an IPv4 address.
pub fn is_inside(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => is_inside_v4(address),
        IpAddr::V6(address) => is_inside_v6(address),
    }
}

fn is_inside_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    address.is_loopback()
        || address.is_private()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_documentation()
        || a == 0
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99)
        || (a == 198 && (b == 18 || b == 19))
        || a >= 240
}

fn is_inside_v6(address: Ipv6Addr) -> bool {
    let [a, b, c, d, e, f, g, h] = address.segments();
    let wrapped = |high: u16, low: u16| is_inside_v4(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)));
    match (a, b) {
        // NAT64 leads to an IPv4 address, 6to4 through one.
        (0x64, 0xff9b) if [c, d, e, f] == [0; 4] => wrapped(g, h),
        (0x2002, high) => wrapped(high, c),
        // Teredo, benchmarking, ORCHID and other protocol assignments; documentation.
        (0x2001, ..0x200 | 0xdb8) => true,
        // Only 2000::/3 is globally reachable unicast.
        _ => a & 0xe000 != 0x2000 || a & 0xfff0 == 0x3ff0,
    }
}
