//! What the cart answers.

use crate::acme::tax::rates::{Assessment, Flaw, Item, Line, Rate, TaxError};
use serde_json::{Value, json};

pub fn assessment(country: &str, assessment: &Assessment) -> Value {
    json!({
        "country": country,
        "lines": assessment.lines.iter().map(line).collect::<Vec<_>>(),
        "net-cents": assessment.net_cents,
        "tax-cents": assessment.tax_cents,
        "total-cents": assessment.total_cents,
    })
}

pub fn error(error: &TaxError) -> Value {
    match error {
        TaxError::UnknownCountry(country) => json!({ "unknown-country": country }),
        TaxError::BadItem(bad) => {
            json!({ "bad-item": { "item": item(&bad.item), "flaw": flaw(bad.flaw) } })
        }
        TaxError::Transport(why) => json!({ "transport": why }),
    }
}

fn line(line: &Line) -> Value {
    json!({
        "item": item(&line.item),
        "rate": rate(&line.rate),
        "net-cents": line.net_cents,
        "tax-cents": line.tax_cents,
    })
}

fn item(item: &Item) -> Value {
    json!({ "name": item.name, "quantity": item.quantity, "price-cents": item.price_cents })
}

fn rate(rate: &Rate) -> Value {
    match rate {
        Rate::Exempt => json!("exempt"),
        Rate::Reduced(hundredths) => json!({ "reduced": hundredths }),
        Rate::Standard(hundredths) => json!({ "standard": hundredths }),
    }
}

fn flaw(flaw: Flaw) -> &'static str {
    match flaw {
        Flaw::NoName => "no-name",
        Flaw::NoQuantity => "no-quantity",
        Flaw::TooExpensive => "too-expensive",
    }
}
