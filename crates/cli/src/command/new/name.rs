//! What a new thing may be called: a name of Lath's that is also a name in WIT and in every language of the templates.

use std::fmt;
use std::str::FromStr;

use model::ids::ActorName;
use model::limits::NAME_LEN_MAX;

/// What the longest template adds to the name of a second actor.
const SUFFIX_LEN_MAX: usize = "-service".len();

/// Words of WIT, Rust and Cargo, and crates that templates stand on: nothing of theirs can be called so.
const TAKEN: &[&str] = &[
    "abstract",
    "alloc",
    "as",
    "async",
    "await",
    "become",
    "bool",
    "borrow",
    "box",
    "break",
    "build",
    "char",
    "clap",
    "const",
    "constructor",
    "continue",
    "core",
    "crate",
    "deps",
    "do",
    "dyn",
    "else",
    "enum",
    "error-context",
    "example",
    "export",
    "extern",
    "f32",
    "f64",
    "false",
    "final",
    "flags",
    "fn",
    "for",
    "from",
    "func",
    "future",
    "gen",
    "if",
    "impl",
    "import",
    "in",
    "include",
    "interface",
    "lattice",
    "let",
    "list",
    "loop",
    "macro",
    "map",
    "match",
    "mod",
    "model",
    "move",
    "mut",
    "option",
    "override",
    "own",
    "package",
    "priv",
    "proc-macro",
    "provider",
    "pub",
    "record",
    "ref",
    "resource",
    "result",
    "return",
    "s16",
    "s32",
    "s64",
    "s8",
    "self",
    "static",
    "std",
    "stream",
    "string",
    "struct",
    "super",
    "target",
    "test",
    "tokio",
    "trait",
    "true",
    "try",
    "tuple",
    "type",
    "typeof",
    "u16",
    "u32",
    "u64",
    "u8",
    "union",
    "unsafe",
    "unsized",
    "use",
    "variant",
    "virtual",
    "wasi",
    "where",
    "while",
    "wit",
    "wit-bindgen",
    "with",
    "world",
    "yield",
];

/// The name of a new application or of its part: kebab-case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Name(String);

/// Why a text is not one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum NewNameError {
    /// Not kebab-case, or too long.
    #[error(
        "use lower-case words of letters and digits joined by single hyphens, each beginning with a letter, {} characters \
         at most{}", NAME_LEN_MAX - SUFFIX_LEN_MAX, suggestion.as_ref().map_or(String::new(), |name| format!(", such as `{name}`"))
    )]
    Form {
        /// The text as it could be written.
        suggestion: Option<String>,
    },
    /// A word of a language.
    #[error("it means something else in WIT, Rust or Cargo, or to the templates; choose another, such as `my-{0}`")]
    Taken(String),
}

impl Name {
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// As a name in Rust.
    pub(super) fn snake(&self) -> String {
        self.0.replace('-', "_")
    }
}

impl FromStr for Name {
    type Err = NewNameError;

    fn from_str(text: &str) -> Result<Self, NewNameError> {
        if !is_kebab(text) {
            return Err(NewNameError::Form { suggestion: suggestion(text) });
        }
        if TAKEN.contains(&text) {
            return Err(NewNameError::Taken(text.to_owned()));
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_kebab(text: &str) -> bool {
    text.len() + SUFFIX_LEN_MAX <= NAME_LEN_MAX && text.parse::<ActorName>().is_ok()
}

/// The text in kebab-case, where that is a name: `MyShop`, `my_shop` and `my shop` are `my-shop`.
fn suggestion(text: &str) -> Option<String> {
    let mut kebab = String::new();
    let mut before = None;
    for letter in text.chars().take(2 * NAME_LEN_MAX) {
        let is_break = letter.is_ascii_uppercase() && before.is_some_and(|before: char| before.is_ascii_lowercase());
        if is_break || !letter.is_ascii_alphanumeric() {
            kebab.push('-');
        }
        if letter.is_ascii_alphanumeric() {
            kebab.push(letter.to_ascii_lowercase());
        }
        before = Some(letter);
    }
    let words: Vec<_> = kebab.split('-').filter(|word| !word.is_empty()).collect();
    Some(words.join("-")).filter(|name| is_kebab(name) && !TAKEN.contains(&name.as_str()))
}
