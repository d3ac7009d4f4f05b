//! Networks of addresses, v4 and v6, and finding the one that an address is in among many.

use std::collections::BinaryHeap;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// A range of addresses: `10.0.0.0/8`, `2001:db8::/32`, or a single one. Bits behind the prefix do not count.
///
/// An IPv4 address that is written as IPv6 (`::ffff:192.0.2.7`) is the IPv4 address, in networks too; `::/0` has none of
/// them.
///
/// ```
/// use weir::network::Network;
///
/// let network: Network = "10.0.0.0/8".parse().unwrap();
/// assert!(network.contains("10.1.2.3".parse().unwrap()));
/// assert!(network.contains("::ffff:10.1.2.3".parse().unwrap()));
/// assert!("10.0.0.0/33".parse::<Network>().is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    family: Family,
    first: u128,
    bits: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    V4,
    V6,
}

impl Family {
    fn width(self) -> u8 {
        match self {
            Self::V4 => 32,
            Self::V6 => 128,
        }
    }
}

/// An address as a number.
fn number(address: IpAddr) -> (Family, u128) {
    match address.to_canonical() {
        IpAddr::V4(address) => (Family::V4, u128::from(address.to_bits())),
        IpAddr::V6(address) => (Family::V6, address.to_bits()),
    }
}

impl Network {
    /// The addresses that begin with the same `bits` bits as this one; none if it does not have so many.
    pub fn new(address: IpAddr, bits: u8) -> Option<Self> {
        let (family, first) = number(address);
        // A mapped address has 96 bits before its own.
        let bits = match (family, address) {
            (Family::V4, IpAddr::V6(_)) => bits.checked_sub(96)?,
            _ => bits,
        };
        let behind = family.width().checked_sub(bits)?;
        let mask = u128::MAX.checked_shl(behind.into()).unwrap_or_default();
        Some(Self { family, first: first & mask, bits })
    }

    /// Whether the address is in it.
    pub fn contains(&self, address: IpAddr) -> bool {
        let (family, number) = number(address);
        family == self.family && (self.first..=self.last()).contains(&number)
    }

    /// How many leading bits its addresses share: the more, the more specific it is.
    pub fn bits(&self) -> u8 {
        self.bits
    }

    fn last(&self) -> u128 {
        let behind = u32::from(self.family.width() - self.bits);
        self.first | !u128::MAX.checked_shl(behind).unwrap_or_default()
    }
}

/// What is no network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotANetwork;

impl fmt::Display for NotANetwork {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("neither an address nor a network; write 10.0.0.7, 10.0.0.0/8 or \"fd00::/8\"")
    }
}

impl std::error::Error for NotANetwork {}

impl FromStr for Network {
    type Err = NotANetwork;

    fn from_str(text: &str) -> Result<Self, NotANetwork> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| NotANetwork)?;
        let bits = match bits {
            None if address.is_ipv4() => 32,
            None => 128,
            // `+8` and `08` are numbers to Rust, but misspellings here.
            Some(bits) if bits.starts_with(['+', '0']) && bits != "0" => return Err(NotANetwork),
            Some(bits) => bits.parse().map_err(|_| NotANetwork)?,
        };
        Self::new(address, bits).ok_or(NotANetwork)
    }
}

impl fmt::Display for Network {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.family {
            Family::V4 => Ipv4Addr::from_bits(u32::try_from(self.first).unwrap_or_default()).fmt(formatter)?,
            Family::V6 => Ipv6Addr::from_bits(self.first).fmt(formatter)?,
        }
        write!(formatter, "/{}", self.bits)
    }
}

/// What belongs to networks: of those that an address is in, the most specific counts.
///
/// It is made once and then asked: ranges in order, so that a look-up among ten thousand networks takes some fifteen
/// comparisons.
///
/// ```
/// use weir::network::Table;
///
/// let networks = [("10.0.0.0/8".parse().unwrap(), "ours"), ("10.9.0.0/16".parse().unwrap(), "guests")];
/// let table = Table::new(networks);
/// assert_eq!(table.find("10.1.1.1".parse().unwrap()).unwrap().1, "ours");
/// assert_eq!(table.find("10.9.1.1".parse().unwrap()).unwrap().1, "guests");
/// assert!(table.find("192.0.2.1".parse().unwrap()).is_none());
/// ```
#[derive(Clone, Debug)]
pub struct Table<T> {
    v4: Ranges<u32, T>,
    v6: Ranges<u128, T>,
}

/// Where ranges begin, and the bits and value of the network whose range that is; a range ends where the next one begins.
type Ranges<N, T> = Vec<(N, Option<(u8, T)>)>;

impl<T: Copy + Ord> Table<T> {
    /// A table of these networks. Of a network that stands there several times, the greatest value counts.
    pub fn new(networks: impl IntoIterator<Item = (Network, T)>) -> Self {
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for (network, value) in networks {
            match (network.family, u32::try_from(network.first)) {
                (Family::V4, Ok(first)) => v4.push((first, network.bits, value)),
                _ => v6.push((network.first, network.bits, value)),
            }
        }
        Self { v4: ranges(v4), v6: ranges(v6) }
    }

    /// The most specific network that the address is in, and what belongs to it.
    pub fn find(&self, address: IpAddr) -> Option<(Network, T)> {
        let address = address.to_canonical();
        let (bits, value) = match address {
            IpAddr::V4(address) => find(&self.v4, address.to_bits()),
            IpAddr::V6(address) => find(&self.v6, address.to_bits()),
        }?;
        Some((Network::new(address, bits)?, value))
    }
}

fn find<N: Ord + Copy, T: Copy>(ranges: &Ranges<N, T>, address: N) -> Option<(u8, T)> {
    let behind = ranges.partition_point(|(start, _)| *start <= address);
    ranges.get(behind.checked_sub(1)?)?.1
}

/// An address of one family as a number.
trait Number: Copy + Ord {
    /// The last address of the network that begins here.
    fn last(self, bits: u8) -> Self;

    /// The address behind this one.
    fn next(self) -> Option<Self>;
}

macro_rules! numbers {
    ($($number:ty)*) => {$(
        impl Number for $number {
            fn last(self, bits: u8) -> Self {
                self | Self::MAX.checked_shr(bits.into()).unwrap_or_default()
            }

            fn next(self) -> Option<Self> {
                self.checked_add(1)
            }
        }
    )*};
}

numbers! { u32 u128 }

/// From networks of one family, each a first address, bits and a value. Two of them are apart or one is in the other, so
/// where they are sorted it is enough to know which ones are open.
fn ranges<N: Number, T: Copy + Ord>(networks: Vec<(N, u8, T)>) -> Ranges<N, T> {
    // Sorts in a twentieth of the code that `sort` is, of which a component has a copy for each type.
    let networks = BinaryHeap::from(networks).into_sorted_vec();
    let mut ranges: Ranges<N, T> = Vec::with_capacity(2 * networks.len());
    let mut begin = |start: N, whose: Option<(u8, T)>| match ranges.last_mut() {
        Some(last) if last.0 == start => last.1 = whose,
        _ => ranges.push((start, whose)),
    };
    // Of each, its last address.
    let mut open: Vec<(N, (u8, T))> = Vec::new();
    let around = |open: &Vec<(N, (u8, T))>| open.last().map(|(_, whose)| *whose);
    for (first, bits, value) in networks {
        while let Some((last, _)) = open.pop_if(|(last, _)| *last < first) {
            if let Some(behind) = last.next() {
                begin(behind, around(&open));
            }
        }
        begin(first, Some((bits, value)));
        let last = first.last(bits);
        // The same one again: the greater value stands.
        open.pop_if(|(same, whose)| *same == last && whose.0 == bits);
        open.push((last, (bits, value)));
    }
    while let Some((last, _)) = open.pop() {
        if let Some(behind) = last.next() {
            begin(behind, around(&open));
        }
    }
    ranges
}

#[cfg(test)]
mod tests {
    use super::{Network, Table};
    use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

    #[test]
    fn networks_are_read_and_written() {
        for (text, written) in [
            ("10.0.0.7", "10.0.0.7/32"),
            ("10.1.2.3/8", "10.0.0.0/8"),
            ("0.0.0.0/0", "0.0.0.0/0"),
            ("::/0", "::/0"),
            ("2001:DB8::1/32", "2001:db8::/32"),
            ("::ffff:192.0.2.7", "192.0.2.7/32"),
            ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
        ] {
            assert_eq!(text.parse::<Network>().map(|network| network.to_string()), Ok(written.to_owned()), "{text}");
        }
        for text in [
            "",
            "/",
            "/8",
            "10.0.0.0/",
            "10.0.0.0/33",
            "10.0.0.0/-1",
            "10.0.0.0/+8",
            "10.0.0.0/08",
            "::/129",
            "::ffff:10.0.0.0/95",
            "10.0.0",
            "10.0.0.0/8 ",
            " 10.0.0.0",
            "010.0.0.1",
            "example.com",
            "fe80::1%eth0",
        ] {
            assert!(text.parse::<Network>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn the_edges_of_a_network_are_in_it_and_their_neighbours_are_not() {
        for (network, inside, outside) in [
            ("10.1.0.0/16", vec!["10.1.0.0", "10.1.255.255", "::ffff:10.1.0.0"], vec!["10.0.255.255", "10.2.0.0"]),
            ("0.0.0.0/0", vec!["0.0.0.0", "255.255.255.255", "::ffff:1.2.3.4"], vec!["::", "::1"]),
            ("::/0", vec!["::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"], vec!["1.2.3.4", "::ffff:1.2.3.4"]),
            ("255.255.255.255", vec!["255.255.255.255"], vec!["255.255.255.254"]),
            ("2001:db8::/33", vec!["2001:db8:7fff::"], vec!["2001:db8:8000::"]),
        ] {
            let parsed: Network = network.parse().unwrap();
            let table = Table::new(vec![(parsed, ())]);
            for (addresses, is_in) in [(inside, true), (outside, false)] {
                for address in addresses {
                    let address: IpAddr = address.parse().unwrap();
                    assert_eq!(
                        (parsed.contains(address), table.find(address).is_some()),
                        (is_in, is_in),
                        "{network} {address}"
                    );
                }
            }
        }
    }

    #[test]
    fn of_the_same_network_the_greatest_value_counts() {
        let network: Network = "10.0.0.0/8".parse().unwrap();
        for networks in [vec![(network, 1), (network, 2)], vec![(network, 2), (network, 1)]] {
            let table = Table::new(networks);
            for address in ["10.0.0.0", "10.255.255.255"] {
                assert_eq!(table.find(address.parse().unwrap()), Some((network, 2)));
            }
            assert_eq!(table.find("11.0.0.0".parse().unwrap()), None);
        }
    }

    /// The table against looking at every network, over addresses beside every edge.
    #[test]
    fn a_table_finds_what_looking_at_each_finds() {
        let mut seed = 7_u64;
        let mut random = || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            u32::try_from(seed >> 33).unwrap()
        };
        for round in 0..40 {
            let networks: Vec<(Network, u32)> = (0..round)
                .map(|value| {
                    // Few leading bits, so that many are inside others.
                    let bits = u8::try_from(random() % 9).unwrap();
                    let address = if random() % 2 == 0 {
                        IpAddr::V4(Ipv4Addr::from_bits(random() << 1))
                    } else {
                        IpAddr::V6(Ipv6Addr::from_bits(u128::from(random()) << 97))
                    };
                    let all = if random() % 5 == 0 { if address.is_ipv4() { 32 } else { 128 } } else { bits };
                    (Network::new(address, all).unwrap(), value)
                })
                .collect();
            let table = Table::new(networks.clone());
            let edges = networks.iter().flat_map(|(network, _)| {
                [network.first.wrapping_sub(1), network.first, network.last(), network.last().wrapping_add(1)]
            });
            for edge in edges {
                let addresses = [
                    IpAddr::V4(Ipv4Addr::from_bits(u32::try_from(edge & u128::from(u32::MAX)).unwrap())),
                    IpAddr::V6(Ipv6Addr::from_bits(edge)),
                ];
                for address in addresses {
                    let wanted = networks
                        .iter()
                        .filter(|(network, _)| network.contains(address))
                        .max_by_key(|(network, value)| (network.bits(), *value));
                    assert_eq!(table.find(address), wanted.copied(), "{address} among {networks:?}");
                }
            }
        }
    }
}
