//! What can only be heard: how busy hosts are, and which processes serve what no host does.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use lattice::bus::{Bus, BusError, Message};
use lattice::document::{Beat, Document as _};
use lattice::limits::ANNOUNCEMENT_INTERVAL;
use lattice::process::Announcement;
use lattice::subject::{Subjects, Token};
use model::ids::{AppName, HostName, ProviderName};
use tokio::time::{Instant, timeout_at};

use super::status::{Load, ProcessStatus, Status};
use crate::limits::{BEAT_INTERVAL, OPERATE_PROCESSES_MAX};

/// So long is listened: every host beats at least once in it.
const LISTEN: Duration = BEAT_INTERVAL.saturating_mul(2);
/// Every process announces itself at least once in it.
const LISTEN_PROCESSES: Duration = ANNOUNCEMENT_INTERVAL.saturating_add(BEAT_INTERVAL);

/// Processes that were heard, by provider.
type Heard = BTreeMap<(AppName, ProviderName), BTreeMap<Token, Announcement>>;

impl Status {
    /// Adds how busy each living host is, and the processes of providers that are no host's. Waits until all hosts were
    /// heard, or for two beats: a host that is not heard has no load. Where there may be processes it waits long enough
    /// for each to announce itself; [`OPERATE_PROCESSES_MAX`] are told.
    ///
    /// # Errors
    ///
    /// The bus takes no subscription.
    pub async fn hear(&mut self, bus: &dyn Bus, subjects: &Subjects) -> Result<(), BusError> {
        let wanted = self.externals();
        let processes =
            async { if wanted.is_empty() { Ok(Heard::new()) } else { processes(bus, subjects, &wanted).await } };
        let living = self.hosts.iter().filter(|host| host.alive).map(|host| host.name.clone()).collect();
        let (loads, heard) = futures_util::future::join(loads(bus, subjects, living), processes).await;
        let (mut loads, heard) = (loads?, heard?);
        for host in &mut self.hosts {
            host.load = loads.remove(&host.name);
        }
        self.add(&heard);
        Ok(())
    }

    fn externals(&self) -> BTreeSet<(AppName, ProviderName)> {
        let external = self.applications.iter().flat_map(|app| {
            let providers = app.providers.iter().filter(|provider| provider.external.is_some());
            providers.filter_map(|provider| Some((app.name.clone(), provider.name.parse().ok()?)))
        });
        external.collect()
    }

    fn add(&mut self, heard: &Heard) {
        for app in &mut self.applications {
            for part in &mut app.providers {
                let (Some(external), Ok(name)) = (&mut part.external, part.name.parse()) else { continue };
                let found = heard.get(&(app.name.clone(), name)).into_iter().flatten();
                let told = found.map(|(instance, announcement)| {
                    let serves = external.serves.iter().all(|contract| announcement.serves(contract));
                    (instance.clone(), ProcessStatus { serves, wire: announcement.wire.to_string() })
                });
                external.processes = Some(told.collect());
            }
        }
    }
}

async fn loads(
    bus: &dyn Bus,
    subjects: &Subjects,
    mut wanted: BTreeSet<HostName>,
) -> Result<BTreeMap<HostName, Load>, BusError> {
    let mut heard = BTreeMap::new();
    if wanted.is_empty() {
        return Ok(heard);
    }
    let mut beats = bus.subscribe(subjects.beats()).await?;
    let until = Instant::now() + LISTEN;
    while !wanted.is_empty() {
        let Ok(Some(message)) = timeout_at(until, beats.next()).await else { break };
        let Ok(beat) = Beat::decode(&message.payload) else { continue };
        // The subject is what the servers vouch for.
        if subjects.read_beat(&message.subject) == Some(beat.host.as_str()) && wanted.remove(&beat.host) {
            heard.insert(beat.host, Load { running: beat.running, capacity: beat.capacity });
        }
    }
    Ok(heard)
}

async fn processes(
    bus: &dyn Bus,
    subjects: &Subjects,
    wanted: &BTreeSet<(AppName, ProviderName)>,
) -> Result<Heard, BusError> {
    let mut announcements = bus.subscribe(subjects.provider_beats()).await?;
    let until = Instant::now() + LISTEN_PROCESSES;
    let (mut heard, mut count) = (Heard::new(), 0);
    while count < OPERATE_PROCESSES_MAX {
        let Ok(Some(message)) = timeout_at(until, announcements.next()).await else { break };
        let Some((provider, instance, announcement)) = announced(subjects, &message) else { continue };
        if !wanted.contains(&provider) {
            continue;
        }
        let processes = heard.entry(provider).or_default();
        if announcement.leaving {
            count -= usize::from(processes.remove(&instance).is_some());
        } else {
            count += usize::from(processes.insert(instance, announcement).is_none());
        }
    }
    Ok(heard)
}

fn announced(subjects: &Subjects, message: &Message) -> Option<((AppName, ProviderName), Token, Announcement)> {
    let (application, provider, instance) = subjects.read_provider_beat(&message.subject)?;
    Some(((application, provider), instance, Announcement::from_message(message).ok()?))
}
