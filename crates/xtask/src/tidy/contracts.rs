//! A contract that an example or a test copies, as its build needs it beside it, is the one in `wit/`.

use std::collections::BTreeMap;

use crate::files::Text;

/// Compares every `…/PACKAGE/FILE.wit` outside `wit/` with `wit/PACKAGE/FILE.wit`, where there is that package.
pub fn check(files: &[Text]) -> Vec<String> {
    let ours: BTreeMap<(&str, &str), &Text> = files
        .iter()
        .filter(|file| file.path.starts_with("wit/"))
        .filter_map(|file| Some((place(file)?, file)))
        .collect();
    let copies = files.iter().filter(|file| !file.path.starts_with("wit/"));
    copies.filter_map(|copy| differs(copy, &ours)).collect()
}

fn differs(copy: &Text, ours: &BTreeMap<(&str, &str), &Text>) -> Option<String> {
    let (package, file) = place(copy)?;
    let is_ours = ours.keys().any(|(ours, _)| *ours == package);
    match ours.get(&(package, file)) {
        Some(original) if original.text == copy.text => None,
        Some(original) => Some(format!("{}: differs from {}; copy that", copy.path, original.path)),
        None if is_ours => Some(format!("{}: wit/{package} has no {file}; drop the file", copy.path)),
        None => None,
    }
}

/// The folder of a file, which is named after its package, and the file's own name.
fn place(file: &Text) -> Option<(&str, &str)> {
    let (folders, name) = file.path.rsplit_once('/')?;
    let (_, package) = folders.rsplit_once('/')?;
    Some((package, name))
}
