//! Sales tax. Plain business logic over the contract's types.

provider::record! {
    /// Something to be sold.
    #[derive(Clone, Debug, PartialEq)]
    pub(crate) struct Item { pub name: String, pub quantity: u32, pub price_cents: u64 }
}

provider::variant! {
    /// How goods are taxed; rates are in hundredths of a percent.
    #[derive(Clone, Debug, PartialEq)]
    pub(crate) enum Rate { Exempt, Reduced(u32), Standard(u32) }
}

provider::record! {
    /// An item with its tax, in cents for the whole quantity.
    #[derive(Clone, Debug, PartialEq)]
    pub(crate) struct Line { pub item: Item, pub rate: Rate, pub net_cents: u64, pub tax_cents: u64 }
}

provider::record! {
    /// What an order costs, in cents.
    #[derive(Clone, Debug, PartialEq)]
    pub(crate) struct Assessment { pub lines: Vec<Line>, pub net_cents: u64, pub tax_cents: u64, pub total_cents: u64 }
}

provider::enumeration! {
    /// Why an item cannot be taxed.
    #[derive(Clone, Debug, PartialEq)]
    pub(crate) enum Flaw { NoName, NoQuantity, TooExpensive }
}

provider::record! {
    /// An item that was refused.
    #[derive(Clone, Debug, PartialEq)]
    pub(crate) struct BadItem { pub item: Item, pub flaw: Flaw }
}

provider::variant! {
    /// Why there is no assessment.
    #[derive(Clone, Debug, PartialEq)]
    pub(crate) enum TaxError { UnknownCountry(String), BadItem(BadItem), Transport(String) }
}

/// Reduced and standard rate in hundredths of a percent.
const COUNTRIES: [(&str, u32, u32); 4] = [("at", 1000, 2000), ("de", 700, 1900), ("fr", 550, 2000), ("lu", 300, 1700)];
const EXEMPT: [&str; 1] = ["stamp"];
const REDUCED: [&str; 3] = ["book", "bread", "milk"];
/// A line above this is a mistake: ten million, in cents.
const MOST_CENTS: u64 = 1_000_000_000;

/// The countries with rates, in order.
pub(crate) fn countries() -> Vec<String> {
    COUNTRIES.iter().map(|(country, ..)| (*country).to_owned()).collect()
}

/// The tax of each item in a country.
///
/// # Errors
///
/// There are no rates for the country, or an item is no good.
pub(crate) fn assess(country: &str, items: Vec<Item>) -> Result<Assessment, TaxError> {
    let rates = COUNTRIES.iter().find(|(known, ..)| *known == country);
    let (_, reduced, standard) = *rates.ok_or_else(|| TaxError::UnknownCountry(country.to_owned()))?;
    let lines = items.into_iter().map(|item| line(item, reduced, standard));
    let lines = lines.collect::<Result<Vec<_>, _>>().map_err(TaxError::BadItem)?;
    let net_cents = lines.iter().map(|line| line.net_cents).sum();
    let tax_cents = lines.iter().map(|line| line.tax_cents).sum();
    Ok(Assessment { lines, net_cents, tax_cents, total_cents: net_cents + tax_cents })
}

fn line(item: Item, reduced: u32, standard: u32) -> Result<Line, BadItem> {
    let net_cents = u64::from(item.quantity).saturating_mul(item.price_cents);
    let flaw = match () {
        () if item.name.is_empty() => Some(Flaw::NoName),
        () if item.quantity == 0 => Some(Flaw::NoQuantity),
        () if net_cents > MOST_CENTS => Some(Flaw::TooExpensive),
        () => None,
    };
    if let Some(flaw) = flaw {
        return Err(BadItem { item, flaw });
    }
    let (rate, share) = match item.name.as_str() {
        name if EXEMPT.contains(&name) => (Rate::Exempt, 0),
        name if REDUCED.contains(&name) => (Rate::Reduced(reduced), reduced),
        _ => (Rate::Standard(standard), standard),
    };
    // Rounded half up, to a cent.
    let tax_cents = (net_cents * u64::from(share) + 5_000) / 10_000;
    Ok(Line { item, rate, net_cents, tax_cents })
}
