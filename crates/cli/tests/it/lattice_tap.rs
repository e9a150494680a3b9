//! `lath tap` where servers ask for credentials.

use std::time::Instant;

use anyhow::{Result, ensure};
use lattice::authority::Identity;
use rig::process::Process;
use testkit::lattice::AMPLE;
use testkit::lattice::processes::Processes;

use crate::lath::ended;
use crate::lattice_support::{alone, become_user, counter, lath};

#[test]
fn deployers_hear_their_own_applications_and_viewers_none() -> Result<()> {
    alone(async || {
        let lattice = Processes::of(env!("CARGO_BIN_EXE_lath"), &["h1"]).await?;
        for app in ["counter", "other"] {
            lattice.up_text(&counter(app, "", "keyvalue/nats")).await?;
            lattice.answered("h1", &format!("/{app}/a"), AMPLE).await?;
        }
        let folder = tempfile::tempdir()?;
        let deployer = Identity::Deployer { name: "dan".parse()?, applications: ["counter".parse()?].into() };
        become_user(&lattice, folder.path(), "dan", &deployer)?;
        let mut own = Process::spawn(&mut lath(folder.path(), &["tap", "counter", "--count", "1"]))?;
        let mut others = Process::spawn(&mut lath(folder.path(), &["tap", "other", "--count", "1"]))?;
        let give_up = Instant::now() + AMPLE;
        while own.is_running()? {
            ensure!(Instant::now() < give_up, "nothing is heard: {}", own.tail());
            lattice.answered("h1", "/counter/a", AMPLE).await?;
            lattice.answered("h1", "/other/a", AMPLE).await?;
        }
        ensure!(own.ended(AMPLE).await?.success(), "{}", own.tail());
        ensure!(own.lines().iter().any(|line| line.contains("#increment(")), "{}", own.tail());
        ensure!(others.is_running()?, "another's messages were heard: {}", others.tail());
        others.kill()?;

        become_user(&lattice, folder.path(), "vera", &Identity::Viewer("vera".parse()?))?;
        let refused = ended(&mut lath(folder.path(), &["tap", "counter"]));
        ensure!(refused.code == 2 && refused.stderr.contains("viewer.vera may not see messages"), "{refused:#?}");
        Ok(())
    })
}
