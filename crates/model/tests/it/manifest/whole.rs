//! The manifest of the design, whole.

use super::{bad, good};

/// Every key of the design.
const WHOLE: &str = r#"manifest = 1
[application]
name = "shop"
[actors.cart]
component = "target/wasm32-wasip2/release/cart.wasm"   # or { oci = "registry/acme/cart:1.4", digest = "sha256:…" }
build  = { run = "cargo build --release --target wasm32-wasip2", dir = "cart", watch = ["src/**", "wit/**"] }
place  = { replicas = 3, spread = "zone", on = { tier = "web" } }     # replicas = hosts that run it
limits = { memory = "64MiB", instances = 200, execution = "2s" }      # instances = at once, per host
grants = { http = ["https://api.example.com"], env = { TZ = "UTC" } } # access to the world; all else is a link
config = { currency = "EUR", api-key = { secret = "acme-key" } }
ready  = { call = "acme:shop/health#ready", within = "2s" }
links."acme:tax/rates" = { to = "tax", reach = "fused" }              # key: label, interface or whole package
links."acme:stock/api" = { to = "warehouse/stock", reach = "lattice", deadline = "800ms", idempotent = ["peek"], via = ["audit"] }
links."wasi:keyvalue"  = { to = "kv", open = { sessions = "redis" } } # store names the component may open
links.backup           = { to = "redis", contract = "lath:keyvalue/counter" }
[actors.tax]
component = "tax.wasm"
share = ["billing/*"]                                                 # who outside the application may link
[actors.audit]
component = "audit.wasm"
[providers]
kv    = { use = "keyvalue/embedded" }
redis = { use = "keyvalue/redis", config = { url = { secret = "redis-url" } } }
rates = { use = "external", contract = "acme:fx/rates" }
[[routes]]
path = "/cart/{id}"
methods = ["GET", "POST"]
to = "cart"
[clients.nightly]
may = ["cart/acme:shop/cart"]
[env.prod.providers]                                                  # --env prod: deep merge
kv = { use = "keyvalue/nats", config = { bucket = "shop" } }
"#;

/// What of it is built, with every other key that is.
pub(super) const BUILT: &str = r#"manifest = 1
[application]
name = "shop"
deadline = "5s"
[actors.cart]
component = "target/wasm32-wasip2/release/cart.wasm"
build  = { run = "cargo build --release --target wasm32-wasip2", dir = "cart", watch = ["src/**", "wit/**"] }
place  = { replicas = 3, spread = "zone", on = { tier = "web" } }
limits = { memory = "64MiB", instances = 200, execution = "2s", queue = 10, message = "1MiB", depth = 4, log = "1KiB", reuse = 8 }
grants = { env = { TZ = "UTC", TOKEN = { secret = "token" } } }
config = { currency = "EUR", api-key = { secret = "acme-key" } }
ready = { call = "acme:shop/health@1.2.0#is-ready", within = "2s" }
links."acme:tax/rates" = { to = "tax", reach = "fused" }
links."acme:stock/api" = { to = "tax", reach = "lattice", deadline = "800ms", on-failure = "trap", idempotent = ["peek"], via = ["audit", "check"] }
links."wasi:keyvalue"  = { to = "kv", open = { sessions = "redis", "Old_1.x" = "kv" } }
links.backup           = { to = "redis", contract = "lath:keyvalue/counter" }
[actors.tax]
component = "tax.wasm"
place = { everywhere = true }
[actors.audit]
component = "audit.wasm"
ready = { call = "acme:shop/health#ready" }
[actors.check]
component = "check.wasm"
[providers]
kv    = { use = "keyvalue/embedded", config = { durability = "group", window = 5, sync = true } }
redis = { use = "keyvalue/redis", config = { url = { secret = "redis-url" } } }
nats  = { use = "keyvalue/nats", config = { bucket = "shop" } }
rates = { use = "external", contract = "acme:fx/rates" }
[[routes]]
host = "shop.example.com"
path = "/cart/{id}"
methods = ["GET", "POST"]
to = "cart"
via = ["check", "audit"]
[adapters]
"lath:keyvalue/counter" = { sender = "s.wasm", receiver = "r.wasm" }
[clients.nightly]
may = ["cart/acme:shop/cart", "tax/acme:tax/rates@1.0.0"]
"#;

#[test]
fn what_is_not_built_is_refused_as_such() {
    let errors = bad(WHOLE);
    assert!(errors.lines().all(|line| line.contains("not supported yet")), "{errors}");
    insta::assert_snapshot!(errors);
}

#[test]
fn what_is_built_is_read() {
    let manifest = good(BUILT);
    insta::assert_debug_snapshot!((
        &manifest.application,
        manifest.deadline,
        &manifest.actors,
        &manifest.providers,
        &manifest.routes,
        &manifest.adapters,
        &manifest.clients,
    ));
}
