//! The checker: whether a blueprint is what its intent asks for.
//!
//! It is the second opinion on [`crate::plan()`], so it uses none of its code: it derives from the intent what each part
//! of a blueprint must be, and compares. What both share are facts of contracts alone
//! (`model::contract`, `grants.rs`).

mod adapters;
mod asked;
mod chain;
mod composite;
mod sender;
mod violation;
mod whole;

pub use violation::{Breach, Violation};

use model::blueprint::Blueprint;

use crate::intent::{Intent, Inventory};

/// Judges a blueprint.
///
/// # Errors
///
/// Every way in which the blueprint is not what `intent` asks for, or cannot run with `inventory`.
pub fn check(intent: &Intent, blueprint: &Blueprint, inventory: &Inventory) -> Result<(), Vec<Violation>> {
    let mut checker = Checker { intent, blueprint, inventory, violations: Vec::new() };
    checker.whole();
    for (root, composite) in &blueprint.composites {
        checker.composite(root, composite);
    }
    if checker.violations.is_empty() { Ok(()) } else { Err(checker.violations) }
}

struct Checker<'a> {
    intent: &'a Intent,
    blueprint: &'a Blueprint,
    inventory: &'a Inventory,
    violations: Vec<Violation>,
}

impl Checker<'_> {
    fn require(&mut self, holds: bool, violation: impl FnOnce() -> Violation) {
        if !holds {
            self.violations.push(violation());
        }
    }
}
