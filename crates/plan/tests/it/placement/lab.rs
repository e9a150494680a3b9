//! A lattice in few words: hosts that come and go, applications that are put up and taken down.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use model::digest::Digest;
use model::ids::{AppName, HostName, Labels};
use model::placement::{Placement, Replicas};
use plan::placement::{Demand, Group, HostView, Ready, check_placement, place};

/// Hosts, what is asked of them, and where it is placed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lab {
    pub(crate) hosts: BTreeMap<HostName, HostView>,
    pub(crate) demands: BTreeMap<AppName, Arc<Demand>>,
    pub(crate) placement: Placement,
}

pub(crate) fn host_name(text: &str) -> HostName {
    text.parse().unwrap()
}

pub(crate) fn app_name(text: &str) -> AppName {
    text.parse().unwrap()
}

/// A live host with labels such as `zone=a`, which offers both kinds of provider.
pub(crate) fn host(labels: &[&str]) -> HostView {
    let kinds = ["keyvalue/embedded", "keyvalue/nats"].map(str::to_owned).into();
    HostView { labels: parse_labels(labels), alive: true, kinds, ..HostView::default() }
}

pub(crate) fn parse_labels(texts: &[&str]) -> Labels {
    let pairs = texts.iter().map(|text| text.split_once('=').unwrap());
    pairs.map(|(key, value)| (key.parse().unwrap(), value.parse().unwrap())).collect()
}

/// A demand: its groups as words such as `cart+tax*3/zone@tier=web`. Parts are joined by `+`: actors, providers with local
/// state (`kv!`) and with shared state (`kv~`). Then how many (`*3`, `*all`), spread (`/zone`) and labels (`@tier=web`).
pub(crate) fn demand(application: &str, version: u64, groups: &[&str]) -> Demand {
    let intent = Digest::of(format!("{application} {groups:?}").as_bytes());
    let mut groups: Vec<_> = groups.iter().map(|text| group(text)).collect();
    groups.sort_by_key(|group| group.actors.first().map(ToString::to_string));
    Demand { application: app_name(application), version, intent, share: None, refused: None, groups }
}

fn group(text: &str) -> Group {
    let mut labels = text.split('@');
    let head = labels.next().unwrap();
    let on = parse_labels(&labels.collect::<Vec<_>>());
    let (head, spread) = head.split_once('/').map_or((head, None), |(head, key)| (head, Some(key.parse().unwrap())));
    let (parts, count) = head.split_once('*').unwrap_or((head, "1"));
    let replicas = match count {
        "all" => Replicas::Everywhere,
        count => Replicas::Count(count.parse().unwrap()),
    };
    let named = |mark: char| parts.split('+').filter_map(move |part| part.strip_suffix(mark));
    let local: BTreeSet<_> = named('!').map(|name| name.parse().unwrap()).collect();
    let shared: Vec<_> = named('~').map(|name| name.parse().unwrap()).collect();
    let actors = parts.split('+').filter(|part| !part.ends_with(['!', '~']));
    let kinds = [(!local.is_empty(), "keyvalue/embedded"), (!shared.is_empty(), "keyvalue/nats")];
    Group {
        actors: actors.map(|name| name.parse().unwrap()).collect(),
        providers: local.iter().cloned().chain(shared).collect(),
        local,
        kinds: kinds.into_iter().filter(|(used, _)| *used).map(|(_, kind)| kind.to_owned()).collect(),
        replicas,
        spread,
        on,
    }
}

impl Lab {
    /// A lattice of live hosts, each with its labels.
    pub(crate) fn with(hosts: &[(&str, &[&str])]) -> Self {
        let hosts = hosts.iter().map(|(name, labels)| (host_name(name), host(labels))).collect();
        Self { hosts, ..Self::default() }
    }

    pub(crate) fn host(&mut self, name: &str) -> &mut HostView {
        self.hosts.get_mut(&host_name(name)).unwrap()
    }

    pub(crate) fn up(&mut self, application: &str, groups: &[&str]) {
        let version = self.demands.get(&app_name(application)).map_or(1, |demand| demand.version + 1);
        self.demands.insert(app_name(application), Arc::new(demand(application, version, groups)));
    }

    /// One placement, judged; the one before it is returned.
    pub(crate) fn place(&mut self) -> Placement {
        let next = place(&self.demands, &self.placement, &self.hosts);
        if let Err(found) = check_placement(&self.demands, &self.placement, &next, &self.hosts) {
            panic!("{found:#?}\n{:#?}\n→ {next:#?}\n{:#?}\n{:#?}", self.placement, self.demands, self.hosts);
        }
        let again = place(&self.demands, &next, &self.hosts);
        assert_eq!(again, next, "placing again changes something");
        std::mem::replace(&mut self.placement, next)
    }

    /// Live hosts get ready what they are given, and keep what state they are given.
    pub(crate) fn run(&mut self) {
        for name in self.hosts.keys().cloned().collect::<Vec<_>>() {
            if self.hosts[&name].alive {
                self.run_host(&name);
            }
        }
    }

    pub(crate) fn run_host(&mut self, name: &HostName) {
        let view = self.hosts.get_mut(name).unwrap();
        view.ready.clear();
        for (application, placed) in &self.placement.applications {
            let on = |hosts: &BTreeSet<HostName>| hosts.contains(name);
            let actors = placed.actors.iter().filter(|(_, hosts)| on(hosts)).map(|(actor, _)| actor.clone());
            let providers: BTreeSet<_> =
                placed.providers.iter().filter(|(_, hosts)| on(hosts)).map(|(name, _)| name.clone()).collect();
            let demand = self.demands.get(application);
            let local: BTreeSet<_> =
                demand.into_iter().flat_map(|demand| &demand.groups).flat_map(|group| &group.local).collect();
            let states = providers.iter().filter(|provider| local.contains(provider));
            view.states.extend(states.map(|provider| (application.clone(), provider.clone())));
            let ready = Ready { version: placed.version, actors: actors.collect(), providers, ..Ready::default() };
            view.ready.insert(application.clone(), ready);
        }
    }

    /// Places and runs until nothing changes.
    pub(crate) fn settle(&mut self) {
        for _ in 0..20 {
            let before = self.place().generation;
            if self.placement.generation == before {
                return;
            }
            self.run();
        }
        panic!("it does not settle: {:#?}", self.placement);
    }

    /// The hosts of an actor or a provider.
    pub(crate) fn on(&self, application: &str, part: &str) -> Vec<&str> {
        let placed = &self.placement.applications[&app_name(application)];
        let hosts = match placed.actors.get(&part.parse().unwrap()) {
            Some(hosts) => hosts,
            None => &placed.providers[&part.parse().unwrap()],
        };
        hosts.iter().map(HostName::as_str).collect()
    }
}
