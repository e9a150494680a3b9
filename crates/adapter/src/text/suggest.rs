//! The name that was probably meant.

/// The known name nearest to a wrong one, if it is near: at most a third of its letters differ.
pub(super) fn nearest<'n>(wrong: &str, names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let distance =
        |name: &str| strsim::damerau_levenshtein(&wrong.to_lowercase().replace('_', "-"), &name.to_lowercase());
    // The distance takes time and memory with the product of the lengths.
    let comparable = wrong.len() <= 4 * crate::limits::EXCERPT_CHARS_MAX;
    names
        .filter(|_| comparable)
        .map(|name| (distance(name), name))
        .filter(|(distance, name)| *distance <= (name.chars().count() / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}
