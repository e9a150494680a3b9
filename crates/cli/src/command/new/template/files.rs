//! Every file of the templates: where it goes, and what it says.

use super::{Language, Template};

/// A path in the new folder, and the text there.
type Part = (&'static str, &'static str);

/// The manifest of a template.
pub(super) fn manifest(template: Template, language: Language) -> &'static str {
    match (template, language) {
        (Template::Http, Language::Rust) => include_str!("../../../../templates/http/rust/lath.toml"),
        (Template::Http, Language::Javascript) => include_str!("../../../../templates/http/javascript/lath.toml"),
        (Template::Http, Language::Python) => include_str!("../../../../templates/http/python/lath.toml"),
        (Template::Contract, Language::Rust) => include_str!("../../../../templates/contract/rust/lath.toml"),
        (Template::Contract, Language::Javascript) => {
            include_str!("../../../../templates/contract/javascript/lath.toml")
        }
        (Template::Contract, Language::Python) => include_str!("../../../../templates/contract/python/lath.toml"),
        (Template::Middleware, Language::Rust) => include_str!("../../../../templates/middleware/rust/lath.toml"),
        (Template::Middleware, Language::Javascript) => {
            include_str!("../../../../templates/middleware/javascript/lath.toml")
        }
        (Template::Middleware, Language::Python) => include_str!("../../../../templates/middleware/python/lath.toml"),
        (Template::Provider, _) => include_str!("../../../../templates/provider/rust/lath.toml"),
    }
}

/// The other files of a template.
pub(super) fn files(template: Template, language: Language) -> &'static [Part] {
    match (template, language) {
        (Template::Http, Language::Rust) => HTTP_RUST,
        (Template::Http, Language::Javascript) => HTTP_JAVASCRIPT,
        (Template::Http, Language::Python) => HTTP_PYTHON,
        (Template::Contract, Language::Rust) => CONTRACT_RUST,
        (Template::Contract, Language::Javascript) => CONTRACT_JAVASCRIPT,
        (Template::Contract, Language::Python) => CONTRACT_PYTHON,
        (Template::Middleware, Language::Rust) => MIDDLEWARE_RUST,
        (Template::Middleware, Language::Javascript) => MIDDLEWARE_JAVASCRIPT,
        (Template::Middleware, Language::Python) => MIDDLEWARE_PYTHON,
        (Template::Provider, _) => PROVIDER,
    }
}

/// What is built is nobody's source, and the tools want its folder to be there.
const BUILD: &str = "*\n!.gitignore\n";

const HTTP_RUST: &[Part] = &[
    (".gitignore", include_str!("../../../../templates/shared/gitignore")),
    ("README.md", include_str!("../../../../templates/http/README.md")),
    ("Cargo.lock", include_str!("../../../../templates/http/rust/Cargo.lock")),
    ("Cargo.toml", include_str!("../../../../templates/http/rust/Cargo.toml")),
    ("src/lib.rs", include_str!("../../../../templates/http/rust/src/lib.rs")),
    ("wit/world.wit", include_str!("../../../../templates/http/world.wit")),
    ("wit/deps/wasi-http/http.wit", include_str!("../../../../templates/shared/http.wit")),
];

const HTTP_JAVASCRIPT: &[Part] = &[
    (".gitignore", include_str!("../../../../templates/shared/gitignore")),
    ("README.md", include_str!("../../../../templates/http/README.md")),
    ("app.js", include_str!("../../../../templates/http/javascript/app.js")),
    ("wit/world.wit", include_str!("../../../../templates/http/world.wit")),
    ("wit/deps/wasi-http/http.wit", include_str!("../../../../templates/shared/http.wit")),
    ("build/.gitignore", BUILD),
];

const HTTP_PYTHON: &[Part] = &[
    (".gitignore", include_str!("../../../../templates/shared/gitignore")),
    ("README.md", include_str!("../../../../templates/http/README.md")),
    ("app.py", include_str!("../../../../templates/http/python/app.py")),
    ("wit/world.wit", include_str!("../../../../templates/http/world.wit")),
    ("wit/deps/wasi-http/http.wit", include_str!("../../../../templates/shared/http.wit")),
    ("build/.gitignore", BUILD),
];

const CONTRACT_RUST: &[Part] = &[
    (".gitignore", include_str!("../../../../templates/shared/gitignore")),
    ("README.md", include_str!("../../../../templates/contract/README.md")),
    ("Cargo.lock", include_str!("../../../../templates/contract/rust/Cargo.lock")),
    ("Cargo.toml", include_str!("../../../../templates/contract/rust/Cargo.toml")),
    ("callee/Cargo.toml", include_str!("../../../../templates/contract/rust/callee/Cargo.toml")),
    ("callee/src/lib.rs", include_str!("../../../../templates/contract/rust/callee/src/lib.rs")),
    ("caller/Cargo.toml", include_str!("../../../../templates/contract/rust/caller/Cargo.toml")),
    ("caller/src/lib.rs", include_str!("../../../../templates/contract/rust/caller/src/lib.rs")),
    ("wit/contract.wit", include_str!("../../../../templates/contract/contract.wit")),
];

const CONTRACT_JAVASCRIPT: &[Part] = &[
    (".gitignore", include_str!("../../../../templates/shared/gitignore")),
    ("README.md", include_str!("../../../../templates/contract/README.md")),
    ("callee/app.js", include_str!("../../../../templates/contract/javascript/callee/app.js")),
    ("caller/app.js", include_str!("../../../../templates/contract/javascript/caller/app.js")),
    ("wit/contract.wit", include_str!("../../../../templates/contract/contract.wit")),
    ("callee/build/.gitignore", BUILD),
    ("caller/build/.gitignore", BUILD),
];

const CONTRACT_PYTHON: &[Part] = &[
    (".gitignore", include_str!("../../../../templates/shared/gitignore")),
    ("README.md", include_str!("../../../../templates/contract/README.md")),
    ("callee/app.py", include_str!("../../../../templates/contract/python/callee/app.py")),
    ("caller/app.py", include_str!("../../../../templates/contract/python/caller/app.py")),
    ("wit/contract.wit", include_str!("../../../../templates/contract/contract.wit")),
    ("callee/build/.gitignore", BUILD),
    ("caller/build/.gitignore", BUILD),
];

const MIDDLEWARE_RUST: &[Part] = &[
    (".gitignore", include_str!("../../../../templates/shared/gitignore")),
    ("README.md", include_str!("../../../../templates/middleware/README.md")),
    ("Cargo.lock", include_str!("../../../../templates/middleware/rust/Cargo.lock")),
    ("Cargo.toml", include_str!("../../../../templates/middleware/rust/Cargo.toml")),
    ("middleware/Cargo.toml", include_str!("../../../../templates/middleware/rust/middleware/Cargo.toml")),
    ("middleware/src/lib.rs", include_str!("../../../../templates/middleware/rust/middleware/src/lib.rs")),
    ("service/Cargo.toml", include_str!("../../../../templates/middleware/rust/service/Cargo.toml")),
    ("service/src/lib.rs", include_str!("../../../../templates/middleware/rust/service/src/lib.rs")),
    ("wit/worlds.wit", include_str!("../../../../templates/middleware/worlds.wit")),
    ("wit/deps/wasi-http/http.wit", include_str!("../../../../templates/shared/http.wit")),
];

const MIDDLEWARE_JAVASCRIPT: &[Part] = &[
    (".gitignore", include_str!("../../../../templates/shared/gitignore")),
    ("README.md", include_str!("../../../../templates/middleware/README.md")),
    ("middleware/app.js", include_str!("../../../../templates/middleware/javascript/middleware/app.js")),
    ("service/app.js", include_str!("../../../../templates/middleware/javascript/service/app.js")),
    ("wit/worlds.wit", include_str!("../../../../templates/middleware/worlds-plain.wit")),
    (
        "wit/deps/lath-httpserver/httpserver.wit",
        include_str!("../../../../templates/../../../wit/lath-httpserver/httpserver.wit"),
    ),
    ("wit/deps/lath-rpc/types.wit", include_str!("../../../../templates/../../../wit/lath-rpc/types.wit")),
    ("middleware/build/.gitignore", BUILD),
    ("service/build/.gitignore", BUILD),
];

const MIDDLEWARE_PYTHON: &[Part] = &[
    (".gitignore", include_str!("../../../../templates/shared/gitignore")),
    ("README.md", include_str!("../../../../templates/middleware/README.md")),
    ("middleware/app.py", include_str!("../../../../templates/middleware/python/middleware/app.py")),
    ("service/app.py", include_str!("../../../../templates/http/python/app.py")),
    ("wit/worlds.wit", include_str!("../../../../templates/middleware/worlds.wit")),
    ("wit/deps/wasi-http/http.wit", include_str!("../../../../templates/shared/http.wit")),
    ("middleware/build/.gitignore", BUILD),
    ("service/build/.gitignore", BUILD),
];

const PROVIDER: &[Part] = &[
    (".gitignore", include_str!("../../../../templates/shared/gitignore")),
    ("README.md", include_str!("../../../../templates/provider/README.md")),
    ("caller/Cargo.toml", include_str!("../../../../templates/provider/rust/caller/Cargo.toml")),
    ("provider/Cargo.toml", include_str!("../../../../templates/provider/rust/provider/Cargo.toml")),
    ("provider/src/main.rs", include_str!("../../../../templates/provider/rust/provider/src/main.rs")),
    ("wit/contract.wit", include_str!("../../../../templates/provider/rust/wit/contract.wit")),
    ("caller/src/lib.rs", include_str!("../../../../templates/contract/rust/caller/src/lib.rs")),
];
