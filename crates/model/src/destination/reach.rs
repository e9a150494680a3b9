//! What one instance may connect to, with what it has looked up.

use std::collections::VecDeque;
use std::net::IpAddr;

use super::{Destination, DestinationHost, Transport};
use crate::limits::FOUND_ADDRESSES_MAX;

/// The destinations that were granted, and the addresses that were found under their names.
///
/// A name leads to addresses only while it is remembered under which of the granted names each was found; so an
/// address that belongs to a granted name is no way round the ports granted with it.
#[derive(Clone, Debug, Default)]
pub struct Reach {
    granted: Vec<Destination>,
    /// The latest last.
    found: VecDeque<Found>,
}

#[derive(Clone, Debug, PartialEq)]
struct Found {
    address: IpAddr,
    /// Which of the destinations names what it was found under.
    granted: usize,
}

impl Reach {
    /// What these destinations allow.
    pub fn new(granted: Vec<Destination>) -> Self {
        Self { granted, found: VecDeque::new() }
    }

    /// True where nothing is granted that is spoken so.
    pub fn is_none(&self, transport: Transport) -> bool {
        !self.granted.iter().any(|destination| destination.transport == transport)
    }

    /// True where a name may be looked up.
    pub fn may_look_up(&self, name: &str) -> bool {
        self.granted.iter().any(|destination| destination.names(name))
    }

    /// Notes that an address was found under a name: true where the name may lead there.
    pub fn found(&mut self, name: &str, address: IpAddr) -> bool {
        let address = address.to_canonical();
        let leading =
            |(_, destination): &(usize, &Destination)| destination.names(name) && destination.may_lead_to(address);
        let leading: Vec<usize> = self.granted.iter().enumerate().filter(leading).map(|(index, _)| index).collect();
        for granted in &leading {
            // Those that grant every name grant the address itself.
            let is_named = self.granted.get(*granted).is_some_and(|named| named.host != DestinationHost::Any);
            let found = Found { address, granted: *granted };
            if is_named && !self.found.contains(&found) {
                self.found.push_back(found);
            }
        }
        let excess = self.found.len().saturating_sub(FOUND_ADDRESSES_MAX);
        self.found.drain(..excess);
        !leading.is_empty()
    }

    /// True where an address may be connected or sent to.
    pub fn may_reach(&self, transport: Transport, address: IpAddr, port: u16) -> bool {
        let address = address.to_canonical();
        let was_found = |found: &Found| {
            let named = self.granted.get(found.granted);
            found.address == address && named.is_some_and(|named| named.grants_found(transport, address, port))
        };
        self.granted.iter().any(|destination| destination.grants(transport, address, port))
            || self.found.iter().any(was_found)
    }
}
