//! What was found, as a table and as JSON.

use std::time::Duration;

use serde_json::{Value, json};

/// One line: something that was counted or timed.
pub(crate) struct Row {
    what: String,
    found: Found,
    aim: f64,
}

enum Found {
    /// So many of so many, of which none, or hardly any, may be.
    Bad {
        count: usize,
        of: usize,
    },
    /// As a share of what may be.
    Share {
        count: usize,
        of: usize,
    },
    Time(Duration),
}

/// All lines.
pub(crate) struct Report {
    pub(crate) rows: Vec<Row>,
    smoke: bool,
}

impl Row {
    /// Of what must never be.
    pub(crate) fn never(what: impl Into<String>, count: usize, of: usize) -> Self {
        Self { what: what.into(), found: Found::Bad { count, of }, aim: 0.0 }
    }

    /// Of what may be at most this share.
    pub(crate) fn share(what: impl Into<String>, count: usize, of: usize, most: f64) -> Self {
        Self { what: what.into(), found: Found::Share { count, of }, aim: most }
    }

    /// What may take so long.
    pub(crate) fn time(what: impl Into<String>, took: Duration, most: Duration) -> Self {
        Self { what: what.into(), found: Found::Time(took), aim: most.as_secs_f64() }
    }

    fn is_met(&self) -> bool {
        match self.found {
            Found::Bad { count, .. } => count == 0,
            Found::Share { count, of } => count as f64 <= self.aim * of as f64,
            Found::Time(took) => took.as_secs_f64() <= self.aim,
        }
    }

    /// True where missing the aim fails the run.
    fn binds(&self, smoke: bool) -> bool {
        !(smoke && matches!(self.found, Found::Time(_)))
    }

    fn text(&self) -> String {
        let Self { what, found, aim } = self;
        let verdict = if self.is_met() { "met" } else { "MISSED" };
        let (found, aim) = match found {
            Found::Bad { count, of } => (format!("{count} of {of}"), "0".to_owned()),
            Found::Share { count, of } => (format!("{count} of {of}"), format!("≤ {:.1} %", aim * 100.0)),
            Found::Time(took) => (format!("{:.1} s", took.as_secs_f64()), format!("≤ {aim:.0} s")),
        };
        format!("  {what:<64} {found:>16}  aim {aim}: {verdict}\n")
    }

    fn json(&self) -> Value {
        let Self { what, found, aim } = self;
        let (count, of, seconds) = match found {
            Found::Bad { count, of } | Found::Share { count, of } => (Some(count), Some(of), None),
            Found::Time(took) => (None, None, Some(took.as_secs_f64())),
        };
        json!({ "what": what, "count": count, "of": of, "seconds": seconds, "aim": aim, "met": self.is_met() })
    }
}

impl Report {
    pub(crate) fn new(smoke: bool) -> Self {
        Self { rows: Vec::new(), smoke }
    }

    /// True where nothing that binds was missed.
    pub(crate) fn is_met(&self) -> bool {
        self.rows.iter().all(|row| row.is_met() || !row.binds(self.smoke))
    }

    pub(crate) fn text(&self) -> String {
        self.rows.iter().map(Row::text).collect()
    }

    pub(crate) fn json(&self) -> Value {
        let rows: Vec<Value> = self.rows.iter().map(Row::json).collect();
        json!({ "smoke": self.smoke, "met": self.is_met(), "rows": rows })
    }
}

/// Something that the reader of a run should know.
pub(crate) fn remark(text: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "chaos:   {text}");
}
