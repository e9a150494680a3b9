//! Every guest: where it is, how it is built, what it reads and what comes out.

/// A component, or several that are built together. Paths are relative to the project.
#[derive(Debug)]
pub struct Guest {
    /// Its name for `cargo x guests NAME`.
    pub name: &'static str,
    /// The folder that it is built in.
    pub dir: &'static str,
    /// The command line, for the shell; the same as in the example's manifest.
    pub run: &'static str,
    /// Files and folders that it is built from, without what tools made in them.
    pub inputs: &'static [&'static str],
    /// What comes out.
    pub outputs: &'static [&'static str],
}

const RUST: &str = "cargo build --release --target wasm32-wasip2";

/// All guests, in the order in which they are built.
pub const GUESTS: [Guest; 16] = [
    Guest {
        name: "kvcounter",
        dir: "examples/kvcounter",
        run: RUST,
        inputs: &[
            "examples/kvcounter/src",
            "examples/kvcounter/wit",
            "examples/kvcounter/Cargo.toml",
            "examples/kvcounter/Cargo.lock",
        ],
        outputs: &["examples/kvcounter/target/wasm32-wasip2/release/kvcounter.wasm"],
    },
    Guest {
        name: "kvcounter-js",
        dir: "examples/kvcounter/js",
        run: "componentize-qjs --wit ../wit --world kvcounter --js app.js --sync --stub-wasi -o build/kvcounter.wasm",
        inputs: &["examples/kvcounter/js/app.js", "examples/kvcounter/wit"],
        outputs: &["examples/kvcounter/js/build/kvcounter.wasm"],
    },
    Guest {
        name: "kvcounter-python",
        dir: "examples/kvcounter/python",
        run: "componentize-py -q -d ../wit -w kvcounter componentize --stub-wasi app -o build/kvcounter.wasm",
        inputs: &["examples/kvcounter/python/app.py", "examples/kvcounter/wit"],
        outputs: &["examples/kvcounter/python/build/kvcounter.wasm"],
    },
    Guest {
        name: "cart",
        dir: "examples/shop/cart",
        run: RUST,
        inputs: &["examples/shop/cart", "examples/shop/wit"],
        outputs: &["examples/shop/cart/target/wasm32-wasip2/release/cart.wasm"],
    },
    Guest {
        name: "tax",
        dir: "examples/shop/tax",
        run: "componentize-py -q -d ../wit -w tax componentize --stub-wasi app -o build/tax.wasm",
        inputs: &["examples/shop/tax/app.py", "examples/shop/wit"],
        outputs: &["examples/shop/tax/build/tax.wasm"],
    },
    Guest {
        name: "json-adapters",
        dir: "examples/json-adapters",
        run: RUST,
        inputs: &["examples/json-adapters"],
        outputs: &[
            "examples/json-adapters/target/wasm32-wasip2/release/json_counter_answer.wasm",
            "examples/json-adapters/target/wasm32-wasip2/release/json_counter_sender.wasm",
            "examples/json-adapters/target/wasm32-wasip2/release/json_counter_receiver.wasm",
        ],
    },
    Guest {
        name: "hello-http",
        dir: "examples/hello-http",
        run: RUST,
        inputs: &["examples/hello-http/src", "examples/hello-http/Cargo.toml", "examples/hello-http/Cargo.lock"],
        outputs: &["examples/hello-http/target/wasm32-wasip2/release/hello_http.wasm"],
    },
    Guest {
        name: "middleware",
        dir: "examples/middleware",
        run: RUST,
        inputs: &["examples/middleware"],
        outputs: &[
            "examples/middleware/target/wasm32-wasip2/release/add_header.wasm",
            "examples/middleware/target/wasm32-wasip2/release/hello.wasm",
            "examples/middleware/target/wasm32-wasip2/release/require_token.wasm",
        ],
    },
    Guest {
        name: "url-shortener",
        dir: "examples/url-shortener",
        run: RUST,
        inputs: &[
            "examples/url-shortener/src",
            "examples/url-shortener/wit",
            "examples/url-shortener/Cargo.toml",
            "examples/url-shortener/Cargo.lock",
        ],
        outputs: &["examples/url-shortener/target/wasm32-wasip2/release/url_shortener.wasm"],
    },
    Guest {
        name: "json-api",
        dir: "examples/json-api",
        run: "componentize-qjs --wit wit --world api --js app.js -o build/api.wasm",
        inputs: &[
            "examples/json-api/app.js",
            "examples/json-api/http.js",
            "examples/json-api/items.js",
            "examples/json-api/wit",
        ],
        outputs: &["examples/json-api/build/api.wasm"],
    },
    Guest {
        name: "page-cache",
        dir: "examples/page-cache",
        run: "componentize-py -q -d wit -w cache componentize app -o build/cache.wasm",
        inputs: &[
            "examples/page-cache/app.py",
            "examples/page-cache/pages.py",
            "examples/page-cache/web.py",
            "examples/page-cache/wit",
        ],
        outputs: &["examples/page-cache/build/cache.wasm"],
    },
    Guest {
        name: "test-components",
        dir: "crates/testkit/guests",
        run: "cargo build --release --target wasm32-wasip2 -p bench-callee -p bench-caller -p command -p command-config -p command-next \
              -p conform-three -p conform-two -p faulty -p counter-hop -p doubler -p faulty-http -p gate -p http-app -p http-counter -p http-next -p keyvalue-app -p keyvalue-draft -p plain-app -p scope -p settings -p tagger -p two-counters-named -p typed -p versioned",
        inputs: &["crates/testkit/guests"],
        outputs: &[
            "crates/testkit/guests/target/wasm32-wasip2/release/bench_callee.wasm",
            "crates/testkit/guests/target/wasm32-wasip2/release/bench_caller.wasm",
            "crates/testkit/guests/target/wasm32-wasip2/release/command.wasm",
            "crates/testkit/guests/target/wasm32-wasip2/release/command-config.wasm",
            "crates/testkit/guests/target/wasm32-wasip2/release/command_next.wasm",
            "crates/testkit/guests/target/wasm32-wasip2/release/conform_three.wasm",
            "crates/testkit/guests/target/wasm32-wasip2/release/conform_two.wasm",
            "crates/testkit/guests/target/wasm32-wasip2/release/counter_hop.wasm",
            "crates/testkit/guests/target/wasm32-wasip2/release/doubler.wasm",
            "crates/testkit/guests/target/wasm32-wasip2/release/faulty.wasm",
            "crates/testkit/guests/target/wasm32-wasip2/release/faulty_http.wasm",
            "crates/testkit/guests/target/wasm32-wasip2/release/gate.wasm",
            "crates/testkit/guests/target/wasm32-wasip2/release/http_app.wasm",
            "crates/testkit/guests/target/wasm32-wasip2/release/http_counter.wasm",
            "crates/testkit/guests/target/wasm32-wasip2/release/http_next.wasm",
            "crates/testkit/guests/target/wasm32-wasip2/release/keyvalue_app.wasm",
            "crates/testkit/guests/target/wasm32-wasip2/release/keyvalue_draft.wasm",
            "crates/testkit/guests/target/wasm32-wasip2/release/plain_app.wasm",
            "crates/testkit/guests/target/wasm32-wasip2/release/scope.wasm",
            "crates/testkit/guests/target/wasm32-wasip2/release/settings.wasm",
            "crates/testkit/guests/target/wasm32-wasip2/release/tagger.wasm",
            "crates/testkit/guests/target/wasm32-wasip2/release/two_counters_named.wasm",
            "crates/testkit/guests/target/wasm32-wasip2/release/typed.wasm",
            "crates/testkit/guests/target/wasm32-wasip2/release/versioned.wasm",
        ],
    },
    Guest {
        name: "conform-python",
        dir: "crates/testkit/guests/conform/python",
        run: "componentize-py -q -d ../wit -w whole componentize app -o build/conform.wasm",
        inputs: &["crates/testkit/guests/conform/python/app.py", "crates/testkit/guests/conform/wit"],
        outputs: &["crates/testkit/guests/conform/python/build/conform.wasm"],
    },
    Guest {
        name: "conform-js",
        dir: "crates/testkit/guests/conform/js",
        run: "componentize-qjs --wit ../wit --world serving --js app.js -o build/conform.wasm",
        inputs: &["crates/testkit/guests/conform/js/app.js", "crates/testkit/guests/conform/wit"],
        outputs: &["crates/testkit/guests/conform/js/build/conform.wasm"],
    },
    // Core modules with a component-type section: the linker of this Rust cannot encode what their worlds use.
    Guest {
        name: "test-modules",
        dir: "crates/testkit/guests",
        run: "cargo build --release --target wasm32-unknown-unknown -p relay -p two-counters-labels -p typed-new",
        inputs: &["crates/testkit/guests"],
        outputs: &[
            "crates/testkit/guests/target/wasm32-unknown-unknown/release/relay.wasm",
            "crates/testkit/guests/target/wasm32-unknown-unknown/release/two_counters_labels.wasm",
            "crates/testkit/guests/target/wasm32-unknown-unknown/release/typed_new.wasm",
        ],
    },
    Guest {
        name: "generators",
        dir: "guests",
        run: RUST,
        inputs: &[
            "guests",
            "crates/adapter/Cargo.toml",
            "crates/adapter/src",
            "crates/model/Cargo.toml",
            "crates/model/src",
            "wit",
        ],
        outputs: &[
            "guests/target/wasm32-wasip2/release/faulty_generator.wasm",
            "guests/target/wasm32-wasip2/release/generator.wasm",
            "guests/target/wasm32-wasip2/release/marking_generator.wasm",
        ],
    },
];
