//! Changes of a manifest's text, pure: tables are added, and all that was there stays as it is.

use toml_edit::{ArrayOfTables, DocumentMut, InlineTable, Item, Table, TableLike, Value, value};

/// Adds the actors, providers and routes of `part`, whose files are in `folder`.
///
/// # Errors
///
/// In words: what is taken, or is written in a way that nothing can be added to.
pub(super) fn merge(into: &mut DocumentMut, part: &DocumentMut, folder: &str) -> Result<(), String> {
    let names = |document: &DocumentMut, kind: &str| -> Vec<String> {
        let table = document.get(kind).and_then(Item::as_table_like);
        table.map_or(Vec::new(), |table| table.iter().map(|(name, _)| name.to_owned()).collect())
    };
    let taken: Vec<_> = ["actors", "providers"].iter().flat_map(|kind| names(into, kind)).collect();
    for kind in ["actors", "providers"] {
        for (name, item) in part.get(kind).and_then(Item::as_table).into_iter().flat_map(Table::iter) {
            if taken.iter().any(|taken| taken == name) {
                return Err(format!("it has an actor or a provider `{name}` already"));
            }
            add(into, kind, name, moved(item.clone(), folder))?;
        }
    }
    for route in part.get("routes").and_then(Item::as_array_of_tables).into_iter().flatten() {
        add_route(into, route.clone())?;
    }
    Ok(())
}

/// Adds a link to an actor.
///
/// # Errors
///
/// In words: how the actor is written that nothing can be added to it.
pub(super) fn link(into: &mut DocumentMut, actor: &str, contract: &str, to: &str) -> Result<(), String> {
    let written = into.get_mut("actors").and_then(Item::as_table_like_mut).and_then(|actors| actors.get_mut(actor));
    let (table, links): (&mut dyn TableLike, Item) = match written {
        Some(Item::Table(table)) => {
            let mut links = Table::new();
            links.set_dotted(true);
            (table, Item::Table(links))
        }
        // Only what has lines of its own can have a table below it.
        Some(Item::Value(Value::InlineTable(table))) => (table, Item::Value(InlineTable::new().into())),
        _ => return Err(format!("it has no table of actor {actor}")),
    };
    let links = table.entry("links").or_insert(links).as_table_like_mut();
    let target = InlineTable::from_iter([("to", to)]);
    links.ok_or_else(|| format!("`links` of actor {actor} is no table"))?.insert(contract, value(target));
    Ok(())
}

/// The text with its lines ended as the first one of `before` is: a document forgets how.
pub(super) fn ended_like(before: &str, text: &str) -> String {
    let plain = text.replace("\r\n", "\n");
    match before.split_once('\n') {
        Some((first, _)) if first.ends_with('\r') => plain.replace('\n', "\r\n"),
        _ => plain,
    }
}

fn add(into: &mut DocumentMut, kind: &str, name: &str, item: Item) -> Result<(), String> {
    if !into.contains_key(kind) {
        let mut table = Table::new();
        table.set_implicit(item.is_table());
        into.insert(kind, Item::Table(table));
    }
    let table = into.get_mut(kind).and_then(Item::as_table_mut);
    let table = table.ok_or_else(|| format!("its `{kind}` are written in one line; write a table for each"))?;
    table.insert(name, item);
    Ok(())
}

fn add_route(into: &mut DocumentMut, mut route: Table) -> Result<(), String> {
    // It comes behind those that there are.
    route.set_position(None);
    let routes = into.entry("routes").or_insert_with(|| Item::ArrayOfTables(ArrayOfTables::new()));
    match routes {
        Item::ArrayOfTables(routes) => routes.push(route),
        Item::Value(Value::Array(routes)) => routes.push(route.into_inline_table()),
        _ => return Err("its `routes` are no list".to_owned()),
    }
    Ok(())
}

/// An actor whose paths start from the folder above `folder`.
fn moved(mut item: Item, folder: &str) -> Item {
    if let Item::Table(table) = &mut item {
        table.set_position(None);
    }
    let Some(actor) = item.as_table_like_mut() else { return item };
    if let Some(component) = actor.get_mut("component") {
        lead(component, folder);
    }
    if let Some(build) = actor.get_mut("build").and_then(Item::as_inline_table_mut) {
        let dir = build.get("dir").and_then(Value::as_str).map_or(folder.to_owned(), |dir| format!("{folder}/{dir}"));
        build.insert("dir", dir.into());
        build.sort_values_by(|one, _, other, _| order(one).cmp(&order(other)));
        build.fmt();
    }
    item
}

/// How the keys of a build are written: what, where, and what it reads.
fn order(key: &str) -> Option<usize> {
    ["run", "dir", "watch"].iter().position(|known| *known == key)
}

/// Puts `folder` before a path.
fn lead(path: &mut Item, folder: &str) {
    if let Some(text) = path.as_str() {
        *path = value(format!("{folder}/{text}"));
    }
}
