//! Placing: first a glance at every application, which most pass unchanged; then new hosts for the groups of the rest.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use model::ids::{ActorName, AppName, HostName, ProviderName};
use model::placement::{AppPlacement, Earlier, Placement, Replicas};

use super::field::{Field, HostId};
use super::settle::{Before, Settling};
use super::state::remembered;
use super::{Demand, Group, HostView};

/// Gives each application its hosts.
///
/// It moves only what must move, and gives equal results for equal inputs on every host. Where nothing changes the result
/// is `previous` with its generation; else the generation grows by one, and applications that do not change share their
/// part with `previous`.
pub fn place(
    demands: &BTreeMap<AppName, Arc<Demand>>,
    previous: &Placement,
    hosts: &BTreeMap<HostName, HostView>,
) -> Placement {
    let mut field = Field::new(hosts);
    let generation = previous.generation.saturating_add(1);
    let mut applications = BTreeMap::new();
    let mut open = Vec::new();
    for (application, demand) in demands {
        let placed = previous.applications.get(application);
        match placed.filter(|placed| is_settled(demand, placed, &mut field)) {
            Some(placed) => {
                applications.insert(application.clone(), Arc::clone(placed));
            }
            None => open.push(Opened::new(demand, placed, &mut field)),
        }
    }
    for opened in open {
        let (application, placed) = opened.close(generation, &mut field);
        applications.insert(application, placed);
    }
    let same = applications.len() == previous.applications.len()
        && applications
            .iter()
            .zip(&previous.applications)
            .all(|(one, other)| one.0 == other.0 && Arc::ptr_eq(one.1, other.1));
    if same { previous.clone() } else { Placement { generation, applications } }
}

/// True where an application has exactly the hosts that it asks for and may keep them all. Its load is counted then.
fn is_settled<'a>(demand: &'a Demand, placed: &AppPlacement, field: &mut Field<'a>) -> bool {
    let asked = (demand.version, demand.intent, demand.share, &demand.refused)
        == (placed.version, placed.intent, placed.share, &placed.refused);
    let mut taken = Vec::new();
    let settled = asked
        && demand.groups.iter().all(|group| settled_hosts(group, placed, field, &mut taken).is_some())
        && is_exact(demand, placed);
    if settled {
        taken.into_iter().for_each(|host| field.add_load(host));
    }
    settled
}

/// The hosts of a group, where it is placed.
fn hosts_of<'p>(group: &Group, placed: &'p AppPlacement) -> Option<&'p BTreeSet<HostName>> {
    let provider = || placed.providers.get(group.local.first()?);
    group.actors.first().map_or_else(provider, |actor| placed.actors.get(actor))
}

/// The hosts of a group, where they are what it asks for and it may keep them all. They are added to `taken`.
fn settled_hosts<'a, 'p>(
    group: &'a Group,
    placed: &'p AppPlacement,
    field: &mut Field<'a>,
    taken: &mut Vec<HostId>,
) -> Option<&'p BTreeSet<HostName>> {
    let hosts = hosts_of(group, placed)?;
    let complete = match group.replicas {
        Replicas::Count(count) => u32::try_from(hosts.len()) == Ok(count.get()),
        Replicas::Everywhere => hosts.len() == field.fit(group).len(),
    };
    let may = |host: HostId| field.view(host).is_some_and(|view| view.may_take(group));
    let kept = |host: &HostName| field.id(host).filter(|id| may(*id)).map(|id| taken.push(id)).is_some();
    let settled = complete
        && hosts.iter().all(kept)
        && group.actors.iter().skip(1).all(|actor| placed.actors.get(actor) == Some(hosts))
        && group.local.iter().all(|provider| placed.providers.get(provider) == Some(hosts));
    settled.then_some(hosts)
}

/// True where nothing is placed that is not asked for, and providers with shared state are where they are linked from.
fn is_exact(demand: &Demand, placed: &AppPlacement) -> bool {
    let actors: usize = demand.groups.iter().map(|group| group.actors.len()).sum();
    let mut linked: BTreeMap<&ProviderName, Vec<&BTreeSet<HostName>>> = BTreeMap::new();
    for group in demand.groups.iter().filter(|group| !group.providers.is_empty()) {
        for provider in &group.providers {
            linked.entry(provider).or_default().extend(hosts_of(group, placed));
        }
    }
    let is_union = |hosts: &BTreeSet<HostName>, parts: &[&BTreeSet<HostName>]| match parts {
        [only] => *only == hosts,
        parts => parts.iter().copied().flatten().collect::<BTreeSet<_>>().into_iter().eq(hosts),
    };
    actors == placed.actors.len()
        && linked.len() == placed.providers.len()
        && linked
            .iter()
            .zip(&placed.providers)
            .all(|((one, parts), (other, hosts))| *one == other && is_union(hosts, parts))
}

/// The hosts of each provider, from those of the groups.
fn providers(
    demand: &Demand,
    hosts: impl Fn(&Group) -> BTreeSet<HostName>,
) -> BTreeMap<ProviderName, BTreeSet<HostName>> {
    let mut providers: BTreeMap<ProviderName, BTreeSet<HostName>> = BTreeMap::new();
    for group in demand.groups.iter().filter(|group| !group.providers.is_empty()) {
        for provider in &group.providers {
            providers.entry(provider.clone()).or_default().extend(hosts(group));
        }
    }
    providers
}

/// An application whose groups are to be looked at one by one.
struct Opened<'a, 'p> {
    demand: &'a Demand,
    previous: Option<&'p Arc<AppPlacement>>,
    groups: Vec<(&'a Group, Looked<'a, 'p>)>,
    /// The version to go back to, should the one that is asked for be refused.
    before: Option<Earlier>,
}

/// What a look at a group shows.
enum Looked<'a, 'p> {
    /// It keeps its hosts.
    Settled(&'p BTreeSet<HostName>),
    /// It is to be given hosts.
    Open(Settling<'a, 'p>, Before),
}

impl<'a, 'p> Opened<'a, 'p> {
    /// The load of what it has is counted.
    fn new(demand: &'a Demand, previous: Option<&'p Arc<AppPlacement>>, field: &mut Field<'a>) -> Self {
        let (mut groups, mut taken) = (Vec::new(), Vec::new());
        for group in &demand.groups {
            let start = taken.len();
            let kept = previous.and_then(|placed| settled_hosts(group, placed, field, &mut taken));
            if let Some(hosts) = kept {
                groups.push((group, Looked::Settled(hosts)));
                continue;
            }
            taken.truncate(start);
            let (application, version) = (&demand.application, demand.version);
            let settling = Settling { application, version, group, previous: previous.map(Arc::as_ref) };
            let before = settling.before(field);
            taken.extend(before.keys());
            groups.push((group, Looked::Open(settling, before)));
        }
        taken.into_iter().for_each(|host| field.add_load(host));
        let before = previous.and_then(|previous| before(demand, previous, field));
        Self { demand, previous, groups, before }
    }

    /// Gives every group its hosts.
    fn close(self, generation: u64, field: &mut Field<'a>) -> (AppName, Arc<AppPlacement>) {
        let mut settled: BTreeMap<&str, BTreeSet<HostName>> = BTreeMap::new();
        for (group, looked) in &self.groups {
            let hosts = match looked {
                Looked::Settled(hosts) => (*hosts).clone(),
                Looked::Open(settling, before) => moved(settling, before, field),
            };
            settled.insert(group.name(), hosts);
        }
        let application = self.demand.application.clone();
        (application, self.placed(generation, &settled))
    }

    fn placed(&self, generation: u64, settled: &BTreeMap<&str, BTreeSet<HostName>>) -> Arc<AppPlacement> {
        let hosts = |group: &Group| settled.get(group.name()).cloned().unwrap_or_default();
        let mut providers = providers(self.demand, hosts);
        for provider in self.demand.groups.iter().flat_map(|group| &group.local) {
            let on = providers.entry(provider.clone()).or_default();
            if on.is_empty() {
                on.extend(remembered(self.previous.map(Arc::as_ref), provider).cloned());
            }
        }
        let actors: BTreeMap<ActorName, BTreeSet<HostName>> = self
            .demand
            .groups
            .iter()
            .flat_map(|group| group.actors.iter().map(move |actor| (actor.clone(), hosts(group))))
            .collect();
        let Demand { version, intent, share, refused, .. } = self.demand;
        let (version, intent, share, refused) = (*version, *intent, *share, refused.clone());
        let before = self.before;
        let placed = AppPlacement { generation, version, intent, before, share, refused, actors, providers };
        match self.previous {
            Some(previous) if is_same(previous, &placed) => Arc::clone(previous),
            _ => Arc::new(placed),
        }
    }
}

/// The version to go back to, should the one that is asked for be refused: the last that is known to be good, or else the
/// last that was placed.
fn before(demand: &Demand, previous: &AppPlacement, field: &Field<'_>) -> Option<Earlier> {
    if demand.refused.is_some() {
        return None;
    }
    if previous.runs() == (Earlier { version: demand.version, intent: demand.intent }) {
        return previous.before;
    }
    match previous.before {
        // It is gone back to.
        Some(good) if good.intent == demand.intent => None,
        Some(good) if !is_trusted(&demand.application, previous, field) => Some(good),
        _ => Some(previous.runs()),
    }
}

/// True where every living host that runs an application trusts the version that is placed.
fn is_trusted(application: &AppName, placed: &AppPlacement, field: &Field<'_>) -> bool {
    let living = placed.hosts().into_iter().filter_map(|host| field.view(field.id(host)?)).filter(|view| view.alive);
    let mut told = living.filter_map(|view| view.ready.get(application)).peekable();
    told.peek().is_some()
        && told.all(|ready| ready.version == placed.version && ready.tried.is_none() && !ready.watched)
}

/// The hosts that a group is given, with the load of each.
fn moved<'a>(settling: &Settling<'a, '_>, before: &Before, field: &mut Field<'a>) -> BTreeSet<HostName> {
    let hosts = settling.hosts(before, field);
    for host in before.keys() {
        field.take_load(*host);
    }
    let ids: Vec<_> = hosts.iter().filter_map(|host| field.id(host)).collect();
    ids.into_iter().for_each(|host| field.add_load(host));
    hosts.into_iter().collect()
}

fn is_same(one: &AppPlacement, other: &AppPlacement) -> bool {
    AppPlacement { generation: other.generation, ..one.clone() } == *other
}
