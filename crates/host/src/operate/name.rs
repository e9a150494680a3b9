//! The name of an application that is at hand.

use std::path::Path;

use model::ids::AppName;

use crate::application::{ApplicationError, MANIFEST, read_text};

/// The name of the application at `path`, a folder with a manifest or a manifest. Nothing is built.
///
/// # Errors
///
/// There is no manifest, or it has errors.
pub fn application_name(path: &Path) -> Result<AppName, ApplicationError> {
    let manifest = if path.is_dir() { path.join(MANIFEST) } else { path.to_owned() };
    if !manifest.is_file() {
        return Err(ApplicationError::Missing { path: path.to_owned() });
    }
    let text = read_text(&manifest)?;
    match model::manifest::parse(&text) {
        Ok(parsed) => Ok(parsed.application),
        Err(source) => Err(ApplicationError::Manifest { path: manifest, text, source }),
    }
}
