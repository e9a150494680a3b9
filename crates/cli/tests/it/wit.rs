//! WIT in the layouts that people keep it in.

use std::fs;

use tempfile::TempDir;

/// A package of its own.
pub(crate) const ACME: &str = include_str!("fixtures/acme.wit");

/// A package that uses another one, and the platform's.
pub(crate) const BILLING: &str = "\
package acme:billing@0.1.0;

interface bills {
    use acme:shop/money@1.2.0.{amount};
    use lath:rpc/types@1.0.0.{rpc-error};

    total: func(of: list<amount>) -> result<amount, rpc-error>;
}
";

/// A folder with these files.
pub(crate) fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}
