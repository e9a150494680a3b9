//! What `lath inspect` tells, for a person.

use std::fmt;

use adapter::compose::labels::Labels;

use super::report::{Content, Interface, PartReport, PortReport, Report, Side, WitReport};

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {}, {} bytes", self.file.display(), described(&self.kind), self.size)?;
        writeln!(f, "  digest    {}", self.digest)?;
        let Self { modules, modules_size, components, memories, .. } = self;
        writeln!(f, "  code      {modules_size} bytes; core modules: {modules}, nested components: {components}")?;
        writeln!(f, "  memories  {memories}")?;
        if let Some(wire) = &self.wire {
            writeln!(f, "  wire      {wire}")?;
        }
        side(f, "imports", &self.imports)?;
        side(f, "exports", &self.exports)?;
        contracts(f, &self.contracts)?;
        if !self.parts.is_empty() {
            writeln!(f, "\ninside")?;
        }
        self.parts.iter().try_for_each(|part| write!(f, "{part}"))?;
        match &self.labels {
            Some(labels) => write!(f, "\nlabels\n{}", LabelTable(labels)),
            None => Ok(()),
        }
    }
}

impl fmt::Display for WitReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: WIT", self.file.display())?;
        contracts(f, &self.contracts)
    }
}

fn described(kind: &str) -> &str {
    match kind {
        "module" => "core module with an embedded component type",
        "wit-package" => "encoded WIT package",
        other => other,
    }
}

fn side(f: &mut fmt::Formatter<'_>, title: &str, side: &Side) -> fmt::Result {
    if side.interfaces.is_empty() && side.functions.is_empty() {
        return writeln!(f, "\n{title}: none");
    }
    writeln!(f, "\n{title}")?;
    side.interfaces.iter().try_for_each(|port| write!(f, "{port}"))?;
    side.functions.iter().try_for_each(|function| writeln!(f, "  {function}: a function outside of any interface"))
}

impl fmt::Display for PortReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "  {}", self.label)?;
        if let Some(contract) = self.contract.as_ref().filter(|contract| **contract != self.label) {
            write!(f, " ({contract})")?;
        }
        writeln!(f, ": {}", Brief(&self.content))
    }
}

/// An interface in a few words.
struct Brief<'a>(&'a Content);

impl fmt::Display for Brief<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Content::Contract { functions } if functions.len() == 1 => f.write_str("1 function"),
            Content::Contract { functions } => write!(f, "{} functions", functions.len()),
            Content::Types => f.write_str("types only"),
            Content::Refused { reason, .. } => f.write_str(reason),
        }
    }
}

/// The interfaces that can be linked, with their functions. Those of WASI are the host's, and would drown the rest.
fn contracts(f: &mut fmt::Formatter<'_>, interfaces: &[Interface]) -> fmt::Result {
    let own: Vec<_> = interfaces.iter().filter(|interface| !interface.name.starts_with("wasi:")).collect();
    if own.is_empty() {
        return writeln!(f, "\ncontracts: none");
    }
    writeln!(f, "\ncontracts")?;
    for interface in own {
        match &interface.content {
            Content::Contract { functions } => {
                writeln!(f, "  {}", interface.name)?;
                functions.iter().try_for_each(|(name, signature)| writeln!(f, "    {name}: {signature}"))?;
            }
            other => writeln!(f, "  {}: {}", interface.name, Brief(other))?,
        }
    }
    Ok(())
}

impl fmt::Display for PartReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "  {}", self.role)?;
        if !self.contracts.is_empty() {
            write!(f, " of {}", self.contracts.join(", "))?;
        }
        if let Some(wire) = &self.wire {
            write!(f, ", wire {wire}")?;
        }
        writeln!(f, ": {} bytes, {}", self.size, self.digest)
    }
}

/// The labels of a composite, a line each.
pub(crate) struct LabelTable<'a>(pub(crate) &'a Labels);

impl fmt::Display for LabelTable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "  actors {}", self.0.actors.join(", "))?;
        for sender in &self.0.senders {
            let contract =
                if sender.import == sender.contract { String::new() } else { format!(" ({})", sender.contract) };
            writeln!(
                f,
                "  {} sends for {} · {}{contract}, wire {}",
                sender.label, sender.actor, sender.import, sender.wire
            )?;
        }
        for receiver in &self.0.receivers {
            writeln!(f, "  {} receives {}, wire {}", receiver.label, receiver.contract, receiver.wire)?;
        }
        Ok(())
    }
}
