//! A full disk is told to the sender and to the operator, and heals by itself.

use std::path::Path;

use crate::harness::letters::ringing;
use crate::harness::{World, command, until};

const REDIRECT: &str = r#"
[[rule]]
name = "redirect"
on = "call.ringing"
deadline = "10m"
do = [{ redirect = { to = "4001" } }]
"#;

/// A small file system of its own, gone when it is dropped.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    /// None where this machine or user can't mount one.
    fn mount() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_str()?;
        let said = command::run("mount", &["-t", "tmpfs", "-o", "size=3m", "stories", path])?;
        (said.code == Some(0)).then(|| Self(folder))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// Takes all room that is left.
    fn fill(&self) {
        use std::io::Write;
        let mut file = std::fs::File::create(self.path().join("filler")).unwrap();
        while file.write_all(&[0; 4096]).is_ok() {}
    }

    fn free(&self) {
        std::fs::remove_file(self.path().join("filler")).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // While others mount something too, the list of mounts that umount reads may lack this one for a moment.
        let path = self.path().to_str().unwrap();
        for _ in 0..50 {
            if command::run("umount", &["-l", path]).is_some_and(|said| said.code == Some(0)) {
                return;
            }
        }
    }
}

#[tokio::test]
async fn a_full_disk_is_503_until_there_is_room_again_and_nothing_acknowledged_is_lost() {
    let Some(disk) = SmallDisk::mount() else {
        println!("skipped: a tmpfs can't be mounted here (not root, or not allowed)");
        return;
    };
    let mut world = World::new(REDIRECT).await.state(&disk.path().join("state")).up().await;
    world.deliver(&ringing("3001", "before")).await;
    world.far.wait_acts("/calls/before", 1).await;

    disk.fill();
    let mut taken = Vec::new();
    let refused = until("the disk is full", async || {
        let call = format!("full-{}", taken.len());
        let answer = world.ask(world.signed(ringing("3001", &call).to_string())).await;
        taken.extend((answer.status == 200).then_some(call));
        (answer.status != 200).then_some(answer)
    })
    .await;
    assert_eq!((refused.status, refused.header("content-type")), (503, "application/problem+json"));
    assert!(refused.header("retry-after").parse::<u32>().unwrap() >= 1);
    let readiness = world.admin("/readyz").await;
    assert_eq!(readiness.status, 503);
    assert!(readiness.body.contains("journal"), "{}", readiness.body);
    assert!(world.admin("/metrics").await.body.contains("switchhook_journal_failing 1"));
    assert_eq!(world.admin("/livez").await.status, 200);
    let again = ringing("3001", "again");
    assert_eq!(world.try_deliver(&again).await, Some(503));

    disk.free();
    world.deliver(&again).await;
    until("it is ready again", async || (world.admin("/readyz").await.status == 200).then_some(())).await;
    world.deliver(&ringing("3001", "after")).await;
    world.far.wait_acts("/calls/after", 1).await;
    world.far.wait_acts("/calls/again", 1).await;
    for call in &taken {
        world.far.wait_acts(&format!("/calls/{call}"), 1).await;
    }
    world.wait_idle().await;
    // The one whose commit was the first to fail may have been redirected while it was being committed: then it is
    // stored after all, though its sender gave up.
    let number = world.events().len();
    assert!((taken.len() + 3..=taken.len() + 4).contains(&number), "{number} with {} taken", taken.len());

    // What was done while nothing could be written is known after a restart.
    world.kill().await;
    world.restart().await;
    world.wait_idle().await;
    assert_eq!(world.events().len(), number);
    let mut calls: Vec<String> = world.far.acts("").iter().map(|seen| seen.last_segment().to_owned()).collect();
    calls.sort();
    let mut once = calls.clone();
    once.dedup();
    assert_eq!((calls.len(), &calls), (number, &once));
}

#[tokio::test]
async fn what_was_acknowledged_before_the_disk_was_full_survives_a_crash_on_the_full_disk() {
    let Some(disk) = SmallDisk::mount() else {
        println!("skipped: a tmpfs can't be mounted here (not root, or not allowed)");
        return;
    };
    let mut world = World::new(REDIRECT).await.state(&disk.path().join("state")).up().await;
    world.far.down().await;
    for call in 0..20 {
        world.deliver(&ringing("3001", &format!("{call}-"))).await;
    }
    disk.fill();
    world.kill().await;
    disk.free();
    world.far.up().await;
    world.restart().await;
    world.far.wait_acts("-", 20).await;
    world.wait_idle().await;
    assert!(world.events().iter().all(|event| event["outcomes"].as_array().unwrap().last().unwrap()["fate"] == "done"));
}
