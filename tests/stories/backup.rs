//! A copy of the journal that is made beside a busy daemon, and a start on it.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use futures_util::future::join_all;
use serde_json::Value;

use crate::harness::letters::ringing;
use crate::harness::{PROGRAM, World, command, until};

const RULES: &str = r#"
[[rule]]
name = "ticket"
on = "call.ringing"
deadline = "5m"
do = [{ http = { post = "FAR/ticket/{{ call.id }}" } }]
"#;

#[tokio::test]
async fn a_start_on_a_backup_made_under_load_knows_what_was_acknowledged_and_repeats_nothing() {
    let mut world = World::start(RULES).await;
    // Done, given up, and waiting when the copy is made.
    let before: Vec<Value> = (0..60).map(|n| ringing("3001", &format!("b{n}"))).collect();
    world.far.when("POST", "/ticket/refused").answers(422);
    world.far.when("POST", "/ticket/waits").answers(503);
    let special = [ringing("3001", "refused"), ringing("3001", "waits")];
    join_all(before.iter().chain(&special).map(|publication| world.deliver(publication))).await;
    world.far.wait_acts("/ticket/b", 60).await;
    world.wait_fate("ticket", "retry").await;
    until("all the others are done", async || {
        (world.events().iter().filter(|event| event["done"] == false).count() == 1).then_some(())
    })
    .await;

    let load: Vec<Value> = (0..400).map(|n| ringing("3001", &format!("l{n}"))).collect();
    let (sender, copy) = (world.sender(), world.path("copies/copy"));
    let sent = async {
        for some in load.chunks(20) {
            join_all(some.iter().map(|publication| sender.until_taken(publication))).await;
        }
    };
    let backed_up = async {
        world.far.wait_acts("/ticket/l", 30).await;
        let (copy, config) = (copy.display().to_string(), world.path("").display().to_string());
        let both = move || {
            let backup = command::run(PROGRAM, &["backup", &copy, "--config", &config]).unwrap();
            (backup, command::run(PROGRAM, &["journal", "verify", "--config", &config]).unwrap())
        };
        tokio::task::spawn_blocking(both).await.unwrap()
    };
    let ((), (said, verified)) = tokio::join!(sent, backed_up);
    assert_eq!((verified.code, &*verified.out), (Some(0), "the journal is sound\n"), "while it is written to");
    assert_eq!((said.code, &*said.err), (Some(0), ""));
    assert!(said.out.contains("bytes, everything up to publication "), "{}", said.out);
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&copy), mode(&copy.join("journal.db"))), (0o700, 0o600));
    let again = world.cli(&["backup", &copy.display().to_string()]);
    assert!(again.code == Some(1) && again.err.contains("not empty"), "{again:?}");
    world.kill().await;

    // The old state is gone with its machine.
    std::fs::rename(world.state_folder(), world.path("lost")).unwrap();
    std::fs::rename(&copy, world.state_folder()).unwrap();
    let verified = world.cli(&["journal", "verify"]);
    assert_eq!((verified.code, &*verified.out), (Some(0), "the journal is sound\n"));
    let (in_copy, acts) = (world.events(), world.far.acts("").len());
    let known = |publication: &Value| in_copy.iter().any(|event| event["publication"] == *publication);
    assert!(before.iter().chain(&special).all(known), "what was acknowledged before it began is in it");
    assert!(in_copy.len() < 462, "it was made while others were still to come: {}", in_copy.len());

    world.far.calm();
    world.restart().await;
    world.far.wait_acts("/ticket/waits", 2).await;
    world.wait_idle().await;
    // Whoever did not hear that it was taken sends it again.
    for publication in before.iter().chain(&special) {
        world.deliver(publication).await;
    }
    world.wait_idle().await;
    assert_eq!(world.events().len(), in_copy.len(), "every one of them is known");
    let mut told: BTreeMap<String, usize> = BTreeMap::new();
    for seen in world.far.acts("/ticket/") {
        *told.entry(seen.last_segment().to_owned()).or_default() += 1;
    }
    assert!(acts < world.far.acts("").len(), "what waited was taken up");
    assert!((0..60).all(|n| told[&format!("b{n}")] == 1) && told["refused"] == 1, "{told:?}");
    // What the copy caught between the sending and its outcome was not sent again: it has a line of its attempt.
    let done_in_copy =
        in_copy.iter().filter(|event| event["done"] == true || event["outcomes"] != serde_json::json!([]));
    for event in done_in_copy {
        let call = event["publication"]["subject"].as_str().unwrap().rsplit('/').next().unwrap();
        assert!(call == "waits" || told[call] == 1, "{call} was done {} times", told[call]);
    }
    let letters = world.cli(&["dead", "list", "--json"]);
    assert!(letters.out.contains("refused"), "{letters:?}");
}

#[tokio::test]
async fn a_store_that_rests_is_copied_and_its_figures_are_told() {
    let mut world = World::start(RULES).await;
    for call in ["1", "2"] {
        world.deliver(&ringing("3001", call)).await;
    }
    world.wait_idle().await;
    let figures = |world: &World| -> Value {
        let said = world.cli(&["journal", "stat", "--json"]);
        assert_eq!(said.code, Some(0), "{said:?}");
        serde_json::from_str(&said.out).unwrap()
    };
    assert_eq!(figures(&world)["clean"], false);
    world.stop().await;
    let rests = figures(&world);
    assert_eq!((&rests["clean"], &rests["publications"], &rests["ids"]["count"]), (&true.into(), &2.into(), &2.into()));
    let said = world.cli(&["journal", "stat"]);
    assert!(said.out.contains("publications   2, the newest is #2"), "{}", said.out);
    assert!(
        rests["ids"]["since"].is_string()
            && rests["open"] == serde_json::json!({ "count": 0, "oldest": null, "since": null })
    );
    let copy = world.path("copy");
    std::fs::create_dir(&copy).unwrap();
    let said = world.cli(&["backup", &copy.display().to_string(), "--json"]);
    let made: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!((&made["last_seq"], &made["open"]), (&2.into(), &0.into()));
    std::fs::rename(world.state_folder(), world.path("lost")).unwrap();
    for what in ["stat", "verify"] {
        let said = world.cli(&["journal", what]);
        assert!(said.code == Some(3) && said.err.contains("can't be read"), "{said:?}");
    }
    assert_eq!(world.cli(&["backup", &world.path("none").display().to_string()]).code, Some(3));
    assert!(!world.path("none").exists());
    assert_eq!(std::fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o700);
    std::fs::rename(&copy, world.state_folder()).unwrap();
    assert_eq!(figures(&world)["clean"], false, "what became of it after the copy is not known");
    world.restart().await;
    world.wait_idle().await;
    assert_eq!(world.far.acts("/ticket/").len(), 2);
}

#[tokio::test]
async fn damage_is_told_with_what_to_do() {
    let mut world = World::start(RULES).await;
    world.deliver(&ringing("3001", "1")).await;
    world.wait_idle().await;
    world.stop().await;
    let file = rusqlite::Connection::open(world.state_folder().join("journal.db")).unwrap();
    file.execute("UPDATE publication SET body = 'cut o'", []).unwrap();
    drop(file);
    let said = world.cli(&["journal", "verify"]);
    assert_eq!(said.code, Some(1));
    insta::assert_snapshot!(said.all(), @r#"
    - publication 1 is no JSON
      no rule matches it any more: start on a backup if that matters
    1 finding(s)
    "#);
    let said: Value = serde_json::from_str(&world.cli(&["journal", "verify", "--json"]).out).unwrap();
    assert_eq!(said["findings"][0]["what"], "publication 1 is no JSON");
}
