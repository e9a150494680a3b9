//! Parts that say whether they are ready before they take calls.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::ids::AppName;

use super::{Brought, Run};
use crate::executor::News;
use crate::executor::load::{LoadError, Part};
use crate::executor::question::Question;
use crate::executor::state::{Event, PartId, PartName};

impl Run {
    /// Links the parts of a version that does not serve yet, and asks some of them.
    pub(super) fn prove(
        &mut self,
        app: &AppName,
        (version, parts): (u64, &BTreeMap<PartName, PartId>),
        beside: Option<(u64, BTreeMap<PartName, PartId>)>,
        asked: &[PartId],
    ) {
        let Some(mut linked) = self.served(app, version, parts) else { return };
        let serving = beside.and_then(|(version, parts)| Some((self.served(app, version, &parts)?, parts)));
        if let Some((serving, its_parts)) = serving {
            // What serves stays linked as it is.
            linked.outboxes.retain(|actor, _| {
                let name = PartName::Actor(actor.clone());
                its_parts.get(&name) != parts.get(&name)
            });
            linked.targets.other = Some(Arc::new(serving.targets));
        }
        let blueprint = Arc::clone(&linked.targets.blueprint);
        (self.tell)(News::Linked(app.clone(), linked));
        for (name, id) in parts.iter().filter(|(_, id)| asked.contains(id)) {
            let (PartName::Actor(actor), Some(Part::Actor { actor: running, .. })) = (name, self.running.get(id))
            else {
                continue;
            };
            let plan = blueprint.composites.get(actor);
            if let Some(question) = plan.and_then(|plan| Question::of(actor, running, plan)) {
                self.ask(app.clone(), *id, question);
            }
        }
    }

    fn ask(&mut self, app: AppName, id: PartId, question: Question) {
        let (asking, bring) = (tokio::spawn(question.ask()), self.bring.clone());
        self.asked.insert(id, asking.abort_handle());
        tokio::spawn(async move {
            let answer = asking.await.unwrap_or(Err(LoadError::Gone));
            bring.send(Brought::Answered(app, id, answer)).await
        });
    }

    /// None where nobody wants to know any more.
    pub(super) fn take_answer(&mut self, app: AppName, id: PartId, answer: Result<(), LoadError>) -> Option<Event> {
        self.asked.remove(&id)?;
        let Err(error) = answer else {
            self.reasons.remove(&id);
            return Some(Event::Proved(id));
        };
        let (reason, error) = (error.to_string(), Arc::new(error));
        (self.tell)(News::Failed { app, error: Arc::clone(&error) });
        self.reasons.insert(id, error);
        Some(Event::Unready { id, reason })
    }
}
