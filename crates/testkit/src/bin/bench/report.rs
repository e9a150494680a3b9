//! What was measured, as a table and as JSON.

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use crate::rounds::Values;

/// The median and the range of several rounds.
#[derive(Clone, Copy)]
pub(crate) struct Spread {
    median: f64,
    min: f64,
    max: f64,
}

/// What a value should be.
#[derive(Clone, Copy)]
pub(crate) enum Aim {
    AtLeast(f64),
    AtMost(f64),
}

/// A value beside another, round by round.
struct Ratio {
    to: String,
    value: Spread,
    aim: Option<Aim>,
}

/// One line: something measured.
pub(crate) struct Row {
    what: String,
    unit: &'static str,
    value: Spread,
    aim: Option<Aim>,
    ratios: Vec<Ratio>,
    rounds: Values,
}

/// The lines of one section.
#[derive(Default)]
pub(crate) struct Section {
    pub(crate) rows: Vec<Row>,
    /// What the reader should know, such as what was left out.
    pub(crate) notes: Vec<String>,
}

/// Everything that was measured.
pub(crate) struct Report {
    pub(crate) sections: Vec<(&'static str, Section)>,
    quick: bool,
    load_before: String,
}

impl Spread {
    fn of(values: &[f64]) -> Self {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let at = |index: usize| sorted.get(index).copied().unwrap_or(f64::NAN);
        let last = sorted.len().saturating_sub(1);
        Self { median: (at(last / 2) + at(sorted.len() / 2)) / 2.0, min: at(0), max: at(last) }
    }

    fn json(self) -> Value {
        json!({ "median": self.median, "min": self.min, "max": self.max })
    }

    fn range(self) -> String {
        format!("{}–{}", number(self.min), number(self.max))
    }
}

impl Aim {
    fn is_met(self, value: f64) -> bool {
        match self {
            Aim::AtLeast(least) => value >= least,
            Aim::AtMost(most) => value <= most,
        }
    }

    fn text(self, value: f64) -> String {
        let (sign, bound) = self.parts();
        let verdict = if self.is_met(value) { "met" } else { "MISSED" };
        format!("aim {sign} {bound}: {verdict}")
    }

    fn parts(self) -> (&'static str, f64) {
        match self {
            Aim::AtLeast(bound) => ("≥", bound),
            Aim::AtMost(bound) => ("≤", bound),
        }
    }

    fn json(self, value: f64) -> Value {
        let (sign, bound) = self.parts();
        let relation = if sign == "≥" { "at-least" } else { "at-most" };
        json!({ relation: bound, "met": self.is_met(value) })
    }
}

impl Row {
    pub(crate) fn new(what: impl Into<String>, unit: &'static str, values: &[f64]) -> Self {
        let value = Spread::of(values);
        Self { what: what.into(), unit, value, aim: None, ratios: Vec::new(), rounds: values.to_vec() }
    }

    /// States what the value should be.
    pub(crate) fn aim(mut self, aim: Aim) -> Self {
        self.aim = Some(aim);
        self
    }

    /// Sets it beside a yardstick, round by round.
    pub(crate) fn beside(mut self, to: impl Into<String>, yardstick: &[f64], aim: Option<Aim>) -> Self {
        let ratios: Values = self.rounds.iter().zip(yardstick).map(|(value, yardstick)| value / yardstick).collect();
        self.ratios.push(Ratio { to: to.into(), value: Spread::of(&ratios), aim });
        self
    }

    fn cells(&self) -> Vec<[String; 4]> {
        let value = format!("{} {}", number(self.value.median), self.unit);
        let aim = self.aim.map(|aim| aim.text(self.value.median)).unwrap_or_default();
        let mut cells = vec![[self.what.clone(), value, self.value.range(), aim]];
        for ratio in &self.ratios {
            let value = format!("× {}", number(ratio.value.median));
            let aim = ratio.aim.map(|aim| aim.text(ratio.value.median)).unwrap_or_default();
            cells.push([format!("  of {}", ratio.to), value, ratio.value.range(), aim]);
        }
        cells
    }

    fn json(&self) -> Value {
        let aim = |aim: Option<Aim>, value: Spread| aim.map(|aim| aim.json(value.median));
        let ratios = self
            .ratios
            .iter()
            .map(|ratio| json!({ "to": ratio.to, "value": ratio.value.json(), "aim": aim(ratio.aim, ratio.value) }));
        json!({
            "what": self.what,
            "unit": self.unit,
            "value": self.value.json(),
            "aim": aim(self.aim, self.value),
            "ratios": ratios.collect::<Vec<_>>(),
            "rounds": self.rounds,
        })
    }
}

impl Section {
    /// The section as a table: what, median, range, aim.
    pub(crate) fn text(&self, name: &str, about: &str) -> String {
        let cells: Vec<[String; 4]> = self.rows.iter().flat_map(Row::cells).collect();
        let width = |column: usize| {
            let widths = cells.iter().filter_map(|cells| cells.get(column)).map(|cell| cell.chars().count());
            widths.max().unwrap_or_default()
        };
        let [what, value, range] = [width(0), width(1), width(2)];
        let mut text = format!("\n{name}: {about}\n");
        for [a, b, c, d] in &cells {
            let line = format!("  {a:<what$}  {b:>value$}  {c:>range$}  {d}");
            text.push_str(line.trim_end());
            text.push('\n');
        }
        self.notes.iter().for_each(|note| text.push_str(&format!("  note: {note}\n")));
        text
    }

    fn json(&self, name: &str) -> Value {
        json!({ "name": name, "rows": self.rows.iter().map(Row::json).collect::<Vec<_>>(), "notes": self.notes })
    }
}

impl Report {
    pub(crate) fn new(quick: bool) -> Result<Self> {
        Ok(Self { sections: Vec::new(), quick, load_before: load_average()? })
    }

    /// Under what conditions this was measured.
    pub(crate) fn conditions(&self) -> Result<String> {
        let cores = cores();
        let (before, after) = (&self.load_before, load_average()?);
        let quick = if self.quick { "; --quick: short rounds, expect more noise" } else { "" };
        Ok(format!(
            "\nmedian and range of the rounds, subjects in turn; {cores} cores, load {before} before and {after} \
             after{quick}\n"
        ))
    }

    pub(crate) fn json(&self) -> Result<Value> {
        Ok(json!({
            "cores": cores(),
            "quick": self.quick,
            "load": { "before": self.load_before, "after": load_average()? },
            "sections": self.sections.iter().map(|(name, section)| section.json(name)).collect::<Vec<_>>(),
        }))
    }
}

/// The cores that this process may use.
pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get)
}

/// Of the last minute: what else the machine does.
fn load_average() -> Result<String> {
    let text = std::fs::read_to_string("/proc/loadavg").context("cannot read the load of the machine")?;
    Ok(text.split(' ').next().unwrap_or_default().to_owned())
}

/// Three digits, or the whole number where there are more.
fn number(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}
