//! Platform code of a lattice, patched from the command line. What it costs those who call is drilled by `cargo x chaos`.

use anyhow::{Result, ensure};
use lattice::authority::Identity;
use testkit::application::root;
use testkit::lattice::AMPLE;
use testkit::lattice::processes::Processes;

use crate::lath::ended;
use crate::lattice_support::{alone, become_user, counter, lath};

/// Why the only link of an application is as it is.
async fn explained(lattice: &Processes, app: &str) -> Result<String> {
    let status = lattice.status().await?;
    let links = status.applications.iter().filter(|found| found.name.as_str() == app).flat_map(|found| &found.links);
    Ok(links.map(|link| link.why.clone()).collect())
}

#[test]
fn a_generator_reaches_every_application_that_is_up_and_those_to_come() -> Result<()> {
    alone(async || {
        let lattice = Processes::of(env!("CARGO_BIN_EXE_lath"), &["h1"]).await?;
        lattice.up_text(&counter("early", "", "keyvalue/memory")).await?;
        lattice.answered("h1", "/early/a", AMPLE).await?;
        let folder = tempfile::tempdir()?;
        let generator = root().canonicalize()?.join("guests/target/wasm32-wasip2/release/marking_generator.wasm");
        let patch =
            ["patch", "--generator", generator.to_str().unwrap_or_default(), "--wait", "3m", "--format", "json"];

        let deployer = Identity::Deployer { name: "dan".parse()?, applications: ["early".parse()?].into() };
        become_user(&lattice, folder.path(), "dan", &deployer)?;
        let refused = ended(&mut lath(folder.path(), &patch));
        ensure!(
            refused.code == 2 && refused.stderr.contains("deployer.dan may not change platform code"),
            "{refused:#?}"
        );

        become_user(&lattice, folder.path(), "olga", &Identity::Operator("olga".parse()?))?;
        let told = ended(&mut lath(folder.path(), &patch)).json();
        ensure!(told["kept"] == true && told["applications"]["early"]["outcome"] == "done", "{told:#}");
        let again = ended(&mut lath(folder.path(), &patch)).json();
        ensure!(again["applications"]["early"]["outcome"] == "same", "{again:#}");

        // The owners of applications have nothing to do with it, and undo nothing.
        let replaced = "an operator replaced its generated sender";
        lattice.up_text(&counter("early", "", "keyvalue/memory")).await?;
        lattice.up_text(&counter("late", "", "keyvalue/memory")).await?;
        for app in ["early", "late"] {
            lattice.answered("h1", &format!("/{app}/a"), AMPLE).await?;
            ensure!(explained(&lattice, app).await?.contains(replaced), "{app}");
        }
        let back = ended(&mut lath(folder.path(), &["patch", "--generator", "built-in", "--wait", "3m"]));
        ensure!(back.success().contains("applications that are deployed from now on get it as well"), "{back:#?}");
        ensure!(!explained(&lattice, "late").await?.contains(replaced), "{back:#?}");
        Ok(())
    })
}
