//! Tools that a build needs and this machine does not have.

/// Commands, and what installs them.
const TOOLS: [(&str, &str); 14] = [
    ("cargo", "install Rust: https://rustup.rs"),
    ("rustc", "install Rust: https://rustup.rs"),
    ("rustup", "install Rust: https://rustup.rs"),
    ("componentize-qjs", "npm install --global componentize-qjs"),
    ("jco", "npm install --global @bytecodealliance/jco"),
    ("node", "install Node.js: https://nodejs.org"),
    ("npm", "install Node.js: https://nodejs.org"),
    ("npx", "install Node.js: https://nodejs.org"),
    ("componentize-py", "pip install componentize-py"),
    ("python3", "install Python 3: https://www.python.org"),
    ("pip", "install Python 3: https://www.python.org"),
    ("tinygo", "install TinyGo: https://tinygo.org"),
    ("wasm-tools", "cargo install wasm-tools"),
    ("wkg", "cargo install wkg"),
];

/// What to install, where the output of a build says that something is missing.
pub(super) fn missing(output: &str) -> Option<String> {
    output.lines().find_map(|line| target(line).or_else(|| subcommand(line)).or_else(|| command(line)))
}

/// As rustc says it: the target's standard library is not there.
fn target(line: &str) -> Option<String> {
    let (before, _) = line.split_once("` target may not be installed")?;
    let (_, target) = before.rsplit_once('`')?;
    Some(format!("the target {target} of Rust is missing: rustup target add {target}"))
}

/// As cargo says it.
fn subcommand(line: &str) -> Option<String> {
    let name = line.split_once("no such command: `")?.1.split('`').next()?;
    Some(format!("the command {name} of cargo is missing: cargo install cargo-{name}"))
}

/// As shells say it: `sh: 1: jco: not found`, `sh: line 1: jco: command not found`.
fn command(line: &str) -> Option<String> {
    let line = line.trim_end();
    let before = line.strip_suffix(": command not found").or_else(|| line.strip_suffix(": not found"))?;
    let name = before.rsplit(": ").next()?;
    let known = TOOLS.iter().find(|(tool, _)| *tool == name);
    Some(match known {
        Some((_, how)) => format!("{name} is missing: {how}"),
        None => format!("{name} is missing: install it, or put the folder that it is in into PATH"),
    })
}
