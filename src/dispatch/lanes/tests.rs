//! The queues: order, waiting, superseding, the shares of rules and accounts.

use super::*;

fn key(lane: &str, rule: &str) -> Key {
    Key { lane: lane.into(), rule: rule.into() }
}

fn push(lanes: &mut Lanes<u64>, key: Key, seq: u64) {
    let deadline = Instant::now() + Duration::from_mins(1);
    let slot = Slot {
        seq,
        deadline,
        allowance: Duration::ZERO,
        controls: &*key.rule == "c",
        unsure: false,
        taken_up: false,
        doubtful: false,
        number: 0,
        about: None,
        commit: None,
        body: Body::Held(seq),
    };
    lanes.push(key, slot, None, |run| run.to_string().into());
}

fn started(lanes: &mut Lanes<u64>) -> Vec<u64> {
    std::iter::from_fn(|| lanes.start().map(|(_, slot)| slot.seq)).collect()
}

#[tokio::test]
async fn one_at_a_time_of_a_rule_and_key_and_side_by_side_otherwise() {
    let mut lanes = Lanes::new(1);
    for (seq, (lane, rule)) in [("a", "r"), ("a", "r"), ("a", "s"), ("b", "r")].into_iter().enumerate() {
        push(&mut lanes, key(lane, rule), seq as u64);
    }
    assert_eq!(started(&mut lanes), [0, 2, 3]);
    lanes.ended(&key("a", "s"), 2);
    assert_eq!(started(&mut lanes), [0; 0]);
    lanes.ended(&key("a", "r"), 0);
    assert_eq!(started(&mut lanes), [1]);
    assert_eq!((lanes.open(), lanes.running(), lanes.oldest()), (2, 2, Some(1)));
}

#[tokio::test]
async fn an_account_that_hangs_leaves_the_others_their_share() {
    let mut lanes = Lanes::new(2);
    let rules = RUNNING / RUNNING_OF_RULE;
    for seq in 0..2 * RUNNING {
        push(&mut lanes, key(&format!("acme/{seq}"), &format!("r{}", seq % rules)), seq as u64);
    }
    let hanging = started(&mut lanes);
    assert_eq!(hanging.len(), RUNNING / 2);
    push(&mut lanes, key("beta/1", "r0"), 9_000_000);
    assert_eq!(started(&mut lanes), [9_000_000]);
    // And what was held back has its turn, one after the other.
    for seq in hanging {
        lanes.ended(&key(&format!("acme/{seq}"), &format!("r{}", seq as usize % rules)), seq);
        assert_eq!(started(&mut lanes).len(), 1);
    }
    assert_eq!((lanes.running(), lanes.open()), (RUNNING / 2 + 1, 3 * RUNNING / 2 + 1));
}

#[tokio::test(start_paused = true)]
async fn a_waiting_head_keeps_the_others_behind_it() {
    let mut lanes = Lanes::new(1);
    push(&mut lanes, key("a", "r"), 1);
    push(&mut lanes, key("a", "r"), 2);
    let (head, slot) = lanes.start().unwrap();
    let due = Instant::now() + Duration::from_secs(1);
    lanes.wait(&head, slot, due).unwrap();
    assert!(started(&mut lanes).is_empty());
    lanes.wake(Instant::now());
    assert!(started(&mut lanes).is_empty());
    lanes.wake(due);
    assert_eq!(started(&mut lanes), [1]);
}

#[tokio::test]
async fn a_later_state_takes_out_what_waits_to_control_the_call() {
    let mut lanes = Lanes::new(1);
    push(&mut lanes, key("a", "c"), 1);
    push(&mut lanes, key("a", "c"), 2);
    push(&mut lanes, key("a", "x"), 2);
    let (running, slot) = lanes.start().unwrap();
    let out: Vec<u64> = lanes.supersede(&"a".into(), 3).into_iter().map(|(_, slot)| slot.seq).collect();
    assert_eq!(out, [2]);
    assert!(lanes.wait(&running, slot, Instant::now()).is_err(), "the running one does not wait any more");
    lanes.ended(&running, 1);
    assert_eq!(started(&mut lanes), [2]);
}

#[tokio::test]
async fn a_queue_that_is_emptied_in_the_line_has_one_turn_only() {
    let mut lanes = Lanes::new(1);
    push(&mut lanes, key("a", "c"), 1);
    assert_eq!(lanes.supersede(&"a".into(), 2).len(), 1);
    push(&mut lanes, key("a", "c"), 2);
    push(&mut lanes, key("a", "c"), 3);
    assert_eq!(started(&mut lanes), [2], "the third waits for the second");
    lanes.ended(&key("a", "c"), 2);
    assert_eq!(started(&mut lanes), [3]);
    lanes.ended(&key("a", "c"), 3);
    assert_eq!((lanes.open(), lanes.running(), lanes.queues.len()), (0, 0, 0));
}

#[tokio::test]
async fn what_is_superseded_while_blocked_blocks_nobody() {
    let mut lanes = Lanes::new(1);
    for seq in 0..300 {
        push(&mut lanes, key(&seq.to_string(), "c"), seq);
    }
    assert_eq!(started(&mut lanes).len(), RUNNING_OF_RULE);
    for seq in 256..299 {
        assert_eq!(lanes.supersede(&seq.to_string().into(), 999).len(), 1);
    }
    lanes.ended(&key("0", "c"), 0);
    assert_eq!(started(&mut lanes), [299]);
}

#[tokio::test]
async fn one_rule_leaves_room_for_the_others() {
    let mut lanes = Lanes::new(1);
    for seq in 0..300 {
        push(&mut lanes, key(&seq.to_string(), "slow"), seq);
    }
    push(&mut lanes, key("z", "other"), 300);
    let first = started(&mut lanes);
    assert_eq!(first.len(), RUNNING_OF_RULE + 1);
    assert!(first.contains(&300));
    lanes.ended(&key("0", "slow"), 0);
    assert_eq!(started(&mut lanes), [256]);
}
