//! Carrying out control's effects.

use std::sync::Arc;
use std::time::{Duration, Instant};

use lattice::document::Phase;

use super::{Input, Run};
use crate::control::{Effect, Event, Op, Reckoning, Report, Underivable};
use crate::limits::REJOIN_WAIT_MAX;
use crate::node::leave;
use crate::node::standing::NodeNews;
use crate::server::Server;

impl Run {
    /// Begins what an effect asks for; gives what is known about it already. Nothing here waits.
    pub(super) fn carry_out(&mut self, effect: Effect) -> Option<Event> {
        match effect {
            Effect::PutLease { op, incarnation } => self.store.put_lease(op, incarnation),
            Effect::DeleteLease => self.deleting.push(self.store.delete_lease()),
            Effect::DeleteRecord => self.deleting.push(self.store.delete_record()),
            Effect::PutRecord { op, expected, record } => self.store.put_record(op, expected, record),
            Effect::Derive(document) => match self.documents.get(document) {
                Some(known) => {
                    let result = known.map(|derived| Arc::clone(&derived.demand)).map_err(Underivable::Refused);
                    return Some(Event::Derived { document, result });
                }
                None => self.documents.ask(document),
            },
            Effect::Reckon { op, reckoning } => self.reckon(op, *reckoning),
            Effect::FetchShard(digest) => self.store.fetch_shard(digest),
            Effect::PutShard { op, digest, shard } => self.store.put_shard(op, digest, shard),
            Effect::ReplaceRoot { op, expected, root } => self.store.replace_root(op, expected, root),
            Effect::ReplacePointer { op, key, expected, pointer } => {
                self.store.replace_pointer(op, key, expected, pointer);
            }
            Effect::DeleteShards(digests) => self.store.delete_shards(digests),
            Effect::Reread(op) => self.store.reread(op),
            Effect::Adopt(share) => self.adopt(share),
            Effect::Quarantine(begins) => self.quarantine(begins),
            Effect::AskEcho(op) => self.ask_echo(op),
            Effect::Report(report) => self.report(report),
            Effect::FinishCalls => self.finish_calls(),
            Effect::Exit(exit) => self.ended = Some(exit),
        }
        None
    }

    /// A host whose draining was refused goes on as before.
    fn report(&mut self, report: Report) {
        if matches!(report, Report::DrainRefused { .. }) {
            let joined = self.told.borrow().joined;
            self.telling.set_phase(if joined { Phase::Open } else { Phase::Joining });
            self.told.send_modify(|status| status.draining = false);
            self.serve_routes();
        }
        (self.tell)(NodeNews::Report(report));
    }

    /// The pulse itself begins a quarantine; control ends it.
    fn quarantine(&mut self, begins: bool) {
        if begins {
            return;
        }
        // False where there was another gap meanwhile: that one is told too, and ends its own quarantine.
        let released = self.pulse.release(self.gap);
        self.told.send_modify(|status| status.quarantined = !released);
        if released {
            // Others need not wait for the next tick to call it again.
            self.telling.send(&*self.connection.bus, &self.connection.subjects);
        }
    }

    /// Reckons, beside the loop, where everything is to run.
    fn reckon(&self, op: Op, reckoning: Reckoning) {
        let input = self.input.clone();
        tokio::spawn(async move {
            let reckoned = tokio::task::spawn_blocking(move || reckoning.run()).await;
            let reckoned = reckoned.inspect_err(|reason| tracing::error!(%reason, "a placement cannot be reckoned"));
            drop(input.send(Input::Control(Event::Reckoned { op, reckoned: reckoned.ok().map(Box::new) })).await);
        });
    }

    fn ask_echo(&self, op: Op) {
        let (bus, input) = (Arc::clone(&self.connection.bus), self.input.clone());
        let until = Instant::now() + REJOIN_WAIT_MAX;
        // By the way that calls take, as long as there is one: nothing that waited there is left when it comes back.
        let echoes = self.doors.server.as_ref().map(Server::echoes);
        tokio::spawn(async move {
            if let Err(reason) = bus.flush(until).await {
                return tracing::debug!(%reason, "no echo; it is asked for again");
            }
            if let Some(echoes) = echoes
                && let Err(reason) = echoes.ask(until).await
            {
                return tracing::debug!(%reason, "no echo among calls; it is asked for again");
            }
            drop(input.send(Input::Control(Event::Echo(op))).await);
        });
    }

    fn finish_calls(&mut self) {
        let doors = std::mem::take(&mut self.doors);
        let (executor, input, telling) = (Arc::clone(&self.executor), self.input.clone(), self.telling.clone());
        let (bus, subjects) = (Arc::clone(&self.connection.bus), self.connection.subjects.clone());
        tokio::spawn(async move {
            leave::say_farewell(&telling, &*bus, &subjects).await;
            leave::finish(doors, &executor).await;
            input.send(Input::Control(Event::Finished)).await
        });
    }

    /// Looks, beside the loop, for providers that have state in the data folder.
    pub(super) fn look_for_states(&self) {
        let (data, input) = (self.settings.data.join(super::start::APPS), self.input.clone());
        tokio::spawn(async move {
            if let Ok(states) = tokio::task::spawn_blocking(move || super::start::states(&data)).await {
                let _ = tokio::time::timeout(Duration::from_secs(10), input.send(Input::States(states))).await;
            }
        });
    }
}
