//! An application whose manifest is edited while requests flow: no request fails. What patches, bad versions and faults cost
//! is drilled by `cargo x chaos`.

use std::time::Instant;

use anyhow::{Context as _, Result};
use testkit::counting::{ONE_STORE, PATH, count};
use testkit::record::Load;

use crate::lattice_support::{HOSTS, alone, failures, figure, three};

/// Requests a second, to three hosts in turn.
const RATE: u32 = 100;

/// Where a link leads, what a provider is, a setting of the actor, its limits, the routes: one after the other.
#[test]
fn an_edited_manifest_is_taken_up_under_load() -> Result<()> {
    alone(async || {
        let lattice = three().await?;
        count(&lattice, "replicas = 3", ONE_STORE, &HOSTS).await?;
        let load = Load::start(&lattice.addresses(), PATH, RATE);
        let component = lattice.folder().join("one.wasm");
        let edited = |link: &str, actor: &str, rest: &str| {
            format!(
                "[application]\nname = \"count\"\n[actors.counter]\ncomponent = \"{}\"\nplace = {{ replicas = 3 }}\n{actor}\n\
                 links.\"lath:keyvalue/counter\" = {{ {link}, reach = \"lattice\" }}\n\
                 [[routes]]\npath = \"{PATH}\"\nto = \"counter\"\n{rest}",
                component.display()
            )
        };
        let (old, new) = ("kv = { use = \"keyvalue/embedded\" }", "other = { use = \"keyvalue/embedded\" }");
        let both = format!("[providers]\n{old}\n{new}\n");
        let swapped = format!("[providers]\n{old}\nother = {{ use = \"keyvalue/memory\" }}\n");
        let routed = format!("{swapped}[[routes]]\npath = \"/more\"\nto = \"counter\"\n");
        let third = "[providers]\nthird = { use = \"keyvalue/embedded\" }\n".to_owned();
        let third = format!("{third}[[routes]]\npath = \"/more\"\nto = \"counter\"\n");
        let settings = "grants = { env = { COLOUR = \"blue\" } }";
        let limits = "grants = { env = { COLOUR = \"blue\" } }\nlimits = { instances = 50 }";
        for (what, manifest) in [
            // What is asked of the actor is another as well, so that it is tried while what it calls is new.
            ("a link is led to a new provider", edited("to = \"other\"", "", &both)),
            ("a provider is another", edited("to = \"other\"", "", &swapped)),
            ("a setting is another", edited("to = \"other\"", settings, &swapped)),
            ("a limit is another", edited("to = \"other\"", limits, &swapped)),
            ("a route is added", edited("to = \"other\"", limits, &routed)),
            ("a provider takes the place of all others", edited("to = \"third\"", limits, &third)),
        ] {
            let begun = Instant::now();
            lattice.up_text(&manifest).await.with_context(|| what)?;
            figure(what, begun.elapsed());
        }
        let record = load.stop().await;
        assert_eq!(failures(&record).first(), None, "{:#?}\n{}", failures(&record), lattice.tails());
        for host in HOSTS {
            assert_eq!(lattice.get(host, "/more?amount=0").await?.status, 200);
        }
        Ok(())
    })
}
