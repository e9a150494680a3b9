//! The name of a contract: `namespace:package/interface@version`.

use std::fmt;
use std::str::FromStr;

use crate::planted::Bug;
use semver::Version;

/// `namespace:package/interface@version`; the version may be absent.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContractName {
    /// The package's namespace, such as `lath`.
    pub namespace: String,
    /// The package, such as `keyvalue`.
    pub package: String,
    /// The interface, such as `counter`.
    pub interface: String,
    /// The package's version.
    pub version: Option<Version>,
}

impl ContractName {
    /// Whether `text` means `function` of this contract: by itself, with the interface (`cart.total`) or in full
    /// (`acme:shop/cart@1.0.0#total`, the version left out or not).
    pub fn is_named(&self, function: &str, text: &str) -> bool {
        match (text.split_once('#'), text.split_once('.')) {
            (Some((contract, named)), _) => {
                named == function && (contract == self.to_string() || contract == self.unversioned())
            }
            (None, Some((interface, named))) => interface == self.interface && named == function,
            (None, None) => text == function,
        }
    }

    /// `namespace:package`.
    pub fn package_name(&self) -> String {
        format!("{}:{}", self.namespace, self.package)
    }

    /// `namespace:package/interface`.
    pub fn unversioned(&self) -> String {
        format!("{}:{}/{}", self.namespace, self.package, self.interface)
    }

    /// True where both name one interface, versions apart.
    pub fn same_interface(&self, other: &ContractName) -> bool {
        self.namespace == other.namespace && self.package == other.package && self.interface == other.interface
    }

    /// True where a provider of `self` may serve a consumer of `wanted`: same interface, same semver track and not
    /// older. A consumer or provider without a version matches only its like.
    pub fn serves(&self, wanted: &ContractName) -> bool {
        self.same_interface(wanted)
            && match (&self.version, &wanted.version) {
                (None, None) => true,
                // Build metadata says nothing of age (semver.org, item 10).
                (Some(given), Some(asked)) => {
                    Bug::WrongSemver.is_planted() || track(given) == track(asked) && given.cmp_precedence(asked).is_ge()
                }
                _ => false,
            }
    }
}

/// The semver track: versions on one track are compatible with older ones (semver.org, item 8 and 4).
fn track(version: &Version) -> (u64, u64, u64, Option<&str>) {
    match (version.major, version.minor, version.pre.as_str()) {
        (major, minor, pre) if !pre.is_empty() => (major, minor, version.patch, Some(pre)),
        (0, 0, _) => (0, 0, version.patch, None),
        (0, minor, _) => (0, minor, 0, None),
        (major, _, _) => (major, 0, 0, None),
    }
}

/// Why a text is not a contract's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is not the name of a contract: write `namespace:package/interface@version`, such as `lath:keyvalue/counter@0.1.0`"
)]
pub struct ContractNameError {
    /// The refused text.
    pub text: String,
}

impl FromStr for ContractName {
    type Err = ContractNameError;

    fn from_str(text: &str) -> Result<Self, ContractNameError> {
        parse(text).ok_or_else(|| ContractNameError { text: text.to_owned() })
    }
}

fn parse(text: &str) -> Option<ContractName> {
    let (path, version) = match text.split_once('@') {
        Some((path, version)) => (path, Some(Version::parse(version).ok()?)),
        None => (text, None),
    };
    let (package, interface) = path.split_once('/')?;
    let (namespace, package) = package.split_once(':')?;
    [namespace, package, interface].iter().all(|word| is_wit_name(word)).then(|| ContractName {
        namespace: namespace.to_owned(),
        package: package.to_owned(),
        interface: interface.to_owned(),
        version,
    })
}

/// A name in WIT: words of letters of one case and digits, joined by hyphens (`HTTP-server`, `rates-2d`); the first
/// begins with a letter.
pub(crate) fn is_wit_name(text: &str) -> bool {
    let is_word = |word: &str| {
        let has = |is_case: fn(&char) -> bool| word.chars().any(|c| is_case(&c));
        !word.is_empty()
            && word.chars().all(|c| c.is_ascii_alphanumeric())
            && !(has(char::is_ascii_lowercase) && has(char::is_ascii_uppercase))
    };
    text.starts_with(|first: char| first.is_ascii_alphabetic()) && text.split('-').all(is_word)
}

impl fmt::Display for ContractName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}/{}", self.namespace, self.package, self.interface)?;
        match &self.version {
            Some(version) => write!(f, "@{version}"),
            None => Ok(()),
        }
    }
}
