use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::stream;
use futures_util::{FutureExt, StreamExt};
use proptest::prelude::*;
use serde_json::json;

use super::*;

/// A far side that holds lists, and counts what is asked of it.
#[derive(Default)]
struct Far {
    lists: Mutex<HashMap<&'static str, Vec<Value>>>,
    objects: Mutex<HashMap<String, Value>>,
    ill: AtomicBool,
    asked: AtomicUsize,
    page: usize,
}

impl Far {
    fn with(lists: &[(&'static str, Vec<Value>)]) -> Arc<Self> {
        let lists = lists.iter().cloned().collect();
        Arc::new(Self { lists: Mutex::new(lists), page: 2, ..Self::default() })
    }

    fn is_ill(&self) -> Result<(), Trouble> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        if self.ill.load(Ordering::Relaxed) { Err(Trouble::new(Why::Refused, "it is ill")) } else { Ok(()) }
    }
}

impl Source for Far {
    fn pages(&self, of: List, _within: Duration) -> Pages<'_> {
        let all = lock(&self.lists).get(of.name()).cloned().unwrap_or_default();
        let mut pages: Vec<Vec<Value>> = all.chunks(self.page).map(<[Value]>::to_vec).collect();
        pages.extend(pages.is_empty().then(Vec::new));
        stream::iter(pages).map(|page| self.is_ill().map(|()| page)).boxed()
    }

    fn one(&self, what: One, _timeout: Duration) -> BoxFuture<'_, Result<Value, Trouble>> {
        async move {
            self.is_ill()?;
            let key = match what {
                One::User(id) => format!("user/{id}"),
                One::Conversation(id) => format!("talk/{id}"),
                other => format!("{other:?}"),
            };
            lock(&self.objects).get(&key).cloned().ok_or_else(|| Trouble::new(Why::Unknown, "there is none"))
        }
        .boxed()
    }
}

fn user(id: &str, name: &str, extension: &str) -> Value {
    json!({ "userId": id, "name": name, "email": format!("{name}@Example.com"), "extension": extension,
            "phone": "613 555 0142", "siteId": "s", "sipPassword": "secret" })
}

fn directory(far: &Arc<Far>) -> Directory {
    let (source, numbers) = (Arc::clone(far) as Arc<dyn Source>, Numbers::of(Some("CA")));
    Directory::new("main".into(), Options::default(), Needs::default(), source, numbers, Clock::system())
}

/// Lets the keeper read until it has nothing to do any more.
async fn kept(directory: &Directory) {
    let _ = tokio::time::timeout(Duration::from_millis(200), directory.clone().keep()).await;
}

#[tokio::test]
async fn users_are_found_by_all_that_they_have() {
    let far =
        Far::with(&[("users", vec![user("u-1", "ann", "2001"), user("u-2", "bob", "2002"), json!({ "name": "x" })])]);
    let directory = directory(&far);
    directory.need(Needs { users: true, ..Needs::default() });
    assert!(directory.user("u-1").is_none(), "nothing is there before it is read");
    kept(&directory).await;
    let name = |found: Option<Found<Arc<User>>>| found.map(|found| found.value.name().unwrap().to_owned());
    for key in ["u-2", "bob@example.com", "BOB@EXAMPLE.COM", "2002"] {
        assert_eq!(name(directory.user(key)).as_deref(), Some("bob"), "{key}");
    }
    assert_eq!(directory.user("bob"), None, "a name is no key of a user");
    let Some(Found { value: Person::User(found), stale: false }) = directory.at_number("+1 (613) 555-0142") else {
        panic!("found by number")
    };
    assert_eq!(found.id(), "u-1");
    assert_eq!(directory.at_number("1-613-555-0143"), None);
    assert!(!format!("{found:?}").contains("secret"));
    assert!(directory.state().iter().any(|state| state.name == "users" && state.count == 2 && !state.stale));
}

#[tokio::test]
async fn what_is_not_needed_is_not_read() {
    let far = Far::with(&[("users", vec![user("u-1", "ann", "2001")])]);
    let directory = directory(&far);
    kept(&directory).await;
    assert_eq!(far.asked.load(Ordering::Relaxed), 0);
    assert_eq!(directory.state(), Vec::new());
}

#[tokio::test]
async fn what_cannot_be_read_anew_stays_and_is_stale() {
    let far = Far::with(&[("users", vec![user("u-1", "ann", "2001")])]);
    let directory = directory(&far);
    directory.need(Needs { users: true, ..Needs::default() });
    kept(&directory).await;
    far.ill.store(true, Ordering::Relaxed);
    directory.read_numbers(Numbers::default());
    kept(&directory).await;
    assert!(directory.user("u-1").unwrap().stale);
    let state = directory.state();
    assert!(state[0].stale && state[0].trouble.as_deref() == Some("it is ill"), "{state:?}");
    let found = directory.find_user("2001", Duration::from_secs(1)).await.unwrap().unwrap();
    assert!(found.stale, "CloudLink was asked, and did not answer");
    assert!(directory.find_user("2009", Duration::from_secs(1)).await.is_err());
    far.ill.store(false, Ordering::Relaxed);
    directory.need(Needs { users: true, ..Needs::default() });
    lock(&far.objects).insert("user/u-1".into(), user("u-1", "anna", "2001"));
    let found = directory.find_user("2001", Duration::from_secs(1)).await.unwrap().unwrap();
    assert_eq!((found.value.name(), found.stale), (Some("anna"), false));
}

#[tokio::test]
async fn notifications_change_single_users() {
    let far = Far::with(&[("users", vec![user("u-1", "ann", "2001"), user("u-2", "bob", "2002")])]);
    let directory = directory(&far);
    directory.need(Needs { users: true, ..Needs::default() });
    kept(&directory).await;
    directory.heard_user("u-1", &user("u-1", "anna", "2009"), false);
    directory.heard_user("u-2", &Value::Null, true);
    lock(&far.objects).insert("user/u-3".into(), user("u-3", "cy", "2003"));
    directory.heard_user("u-3", &json!({ "userId": "u-3" }), false);
    kept(&directory).await;
    let name = |key: &str| directory.user(key).map(|found| found.value.name().unwrap().to_owned());
    assert_eq!(name("2009").as_deref(), Some("anna"));
    assert_eq!(name("2001"), None, "the extension of before is nobody's");
    assert_eq!(name("2002"), None);
    assert_eq!(name("2003").as_deref(), Some("cy"), "of whom no more was told than the id is asked for");
}

#[tokio::test]
async fn who_is_not_known_is_asked_for_once() {
    let far = Far::with(&[]);
    let directory = directory(&far);
    for _ in 0..5 {
        assert_eq!(directory.fetch_user("ghost", Duration::from_secs(1)).await, Ok(None));
    }
    assert_eq!(far.asked.load(Ordering::Relaxed), 1);
    lock(&far.objects).insert("user/ghost".into(), user("ghost", "gus", "2001"));
    directory.heard_user("ghost", &Value::Null, false);
    assert!(directory.fetch_user("ghost", Duration::from_secs(1)).await.unwrap().is_some());
}

#[tokio::test]
async fn conversations_are_remembered_and_forgotten() {
    let far = Far::with(&[("participants", vec![json!({ "participantId": "u-1" }), json!({ "userId": "u-2" })])]);
    lock(&far.objects).insert(
        "talk/c".into(),
        json!({ "name": "Help", "tags": ["a", { "value": "b" }], "languageCode": "fr-CA", "stream": false }),
    );
    let directory = directory(&far);
    assert_eq!(directory.talk("c", false), None);
    let talk = directory.fetch_talk("c", false, Duration::from_secs(1)).await;
    assert_eq!(Value::Object(talk.view()), json!({ "name": "Help", "tag": "a b", "stream": false }));
    assert_eq!(talk.language.as_deref(), Some("fr-CA"));
    assert_eq!(directory.talk("c", false), Some(Arc::clone(&talk)));
    assert_eq!(directory.talk("c", true), None, "its participants are not known yet");
    let talk = directory.fetch_talk("c", true, Duration::from_secs(1)).await;
    assert_eq!(talk.view()["participants"], json!(["u-1", "u-2"]));
    directory.forget_talk("c");
    assert_eq!(directory.talk("c", false), None);
    let before = far.asked.load(Ordering::Relaxed);
    let nothing = directory.fetch_talk("unknown", true, Duration::from_secs(1)).await;
    assert_eq!(*nothing, Talk::default());
    assert!(directory.talk("unknown", true).is_some(), "that nothing is known is known for a moment");
    assert_eq!(far.asked.load(Ordering::Relaxed), before + 1);
}

#[tokio::test]
async fn groups_have_their_members_wherever_they_stand() {
    let far = Far::with(&[
        (
            "groups",
            vec![
                json!({ "groupId": "g-1", "name": "Sales" }),
                json!({ "id": "g-2", "name": "Few", "members": ["u-9"] }),
            ],
        ),
        ("members", vec![json!({ "userId": "u-1" }), json!("u-2")]),
    ]);
    let directory = directory(&far);
    directory.need(Needs { groups: true, ..Needs::default() });
    kept(&directory).await;
    let members = |name: &str| directory.group(name).unwrap().value.members().join(",");
    assert_eq!((members("sales"), members("g-2")), ("u-1,u-2".into(), "u-9".into()));
    let found = directory.find_group("nobody", Duration::from_secs(1)).await.unwrap();
    assert_eq!(found, None);
}

#[tokio::test]
async fn the_only_site_is_ours() {
    let far = Far::with(&[(
        "sites",
        vec![json!({ "siteId": "s-1", "name": "Oslo", "timezone": "Europe/Oslo", "countryCode": "no" })],
    )]);
    let directory = directory(&far);
    directory.need(Needs { sites: true, ..Needs::default() });
    kept(&directory).await;
    let site = directory.only_site().unwrap();
    assert_eq!(
        Value::Object(site.view()),
        json!({ "id": "s-1", "name": "Oslo", "timezone": "Europe/Oslo", "country": "NO" })
    );
    lock(&far.lists).get_mut("sites").unwrap().push(json!({ "siteId": "s-2" }));
    let two = self::directory(&far);
    two.need(Needs { sites: true, ..Needs::default() });
    kept(&two).await;
    assert_eq!(two.only_site(), None);
}

#[tokio::test(start_paused = true)]
async fn a_source_that_never_ends_is_left() {
    struct Circle;
    impl Source for Circle {
        fn pages(&self, _: List, _: Duration) -> Pages<'_> {
            let cut = Err(Trouble::new(Why::Cut, "its pages lead in a circle"));
            stream::iter([Ok(vec![json!("x")]), Ok(vec![json!("y")]), cut]).chain(stream::pending()).boxed()
        }

        fn one(&self, _: One, _: Duration) -> BoxFuture<'_, Result<Value, Trouble>> {
            std::future::pending().boxed()
        }
    }
    let mut items = 0;
    let whole = all(&Circle, &List::Users, Duration::from_mins(1), |_| items += 1).await;
    assert_eq!((whole, items), (Ok(false), 2));
    let directory = Directory::new(
        "main".into(),
        Options::default(),
        Needs::default(),
        Arc::new(Circle),
        Numbers::default(),
        Clock::system(),
    );
    let asked = directory.ask(One::Me, Duration::from_secs(2)).await;
    assert_eq!(asked.unwrap_err().why, Why::Timeout);
}

/// A far side that answers when it is let to.
#[derive(Default)]
struct Slow {
    users: Vec<Value>,
    go: Notify,
}

impl Source for Slow {
    fn pages(&self, _: List, _: Duration) -> Pages<'_> {
        let page = async {
            self.go.notified().await;
            Ok(self.users.clone())
        };
        stream::once(page).boxed()
    }

    fn one(&self, _: One, _: Duration) -> BoxFuture<'_, Result<Value, Trouble>> {
        async {
            self.go.notified().await;
            Ok(self.users[0].clone())
        }
        .boxed()
    }
}

fn slow(held: &[Value]) -> (Arc<Slow>, Directory) {
    let far = Arc::new(Slow { users: vec![user("u-1", "old", "2001")], ..Slow::default() });
    let (source, numbers) = (Arc::clone(&far) as Arc<dyn Source>, Numbers::of(Some("CA")));
    let directory =
        Directory::new("main".into(), Options::default(), Needs::default(), source, numbers, Clock::system());
    directory.need(Needs { users: true, ..Needs::default() });
    hold(&directory, held);
    (far, directory)
}

/// Users that were read once and are out of date.
fn hold(directory: &Directory, users: &[Value]) {
    let entries = users.iter().filter_map(|user| User::read(user, &Numbers::of(Some("CA"))).map(Arc::new));
    let held = Held { shelf: Shelf::of(entries), at: directory.0.clock.millis(), outdated: true };
    directory.0.users.store(Some(Arc::new(held)));
}

#[tokio::test]
async fn who_could_not_be_asked_for_is_not_asked_for_again_at_once() {
    let far = Far::with(&[]);
    let directory = directory(&far);
    far.ill.store(true, Ordering::Relaxed);
    for _ in 0..3 {
        assert!(directory.fetch_user("u-1", Duration::from_secs(2)).await.is_err());
    }
    assert_eq!(far.asked.load(Ordering::Relaxed), 1);
    far.ill.store(false, Ordering::Relaxed);
    lock(&far.objects).insert("user/u-1".into(), user("u-1", "ann", "2001"));
    directory.heard_user("u-1", &Value::Null, false);
    assert!(directory.fetch_user("u-1", Duration::from_secs(2)).await.unwrap().is_some());
}

#[tokio::test]
async fn who_is_gone_at_cloudlink_is_not_handed_out_of_an_old_list() {
    let far = Far::with(&[]);
    let directory = directory(&far);
    hold(&directory, &[user("u-1", "ann", "2001")]);
    assert_eq!(directory.find_user("2001", Duration::from_secs(2)).await, Ok(None));
    far.ill.store(true, Ordering::Relaxed);
    hold(&directory, &[user("u-2", "bob", "2002")]);
    let found = directory.find_user("2002", Duration::from_secs(2)).await.unwrap().unwrap();
    assert!(found.stale, "without an answer what is known counts");
}

#[tokio::test(start_paused = true)]
#[expect(clippy::disallowed_methods, reason = "a test looks after its own tasks")]
async fn an_answer_asked_for_before_a_notification_is_not_put_in_after_it() {
    let (far, directory) = slow(&[]);
    let asking = directory.clone();
    let asked = tokio::spawn(async move { asking.fetch_user("u-1", Duration::from_secs(30)).await });
    tokio::time::sleep(Duration::from_secs(1)).await;
    directory.heard_user("u-1", &Value::Null, true);
    far.go.notify_waiters();
    assert!(asked.await.unwrap().unwrap().is_some());
    let keeping = tokio::spawn(directory.clone().keep());
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(directory.user("u-1"), None);
    keeping.abort();
}

#[tokio::test(start_paused = true)]
#[expect(clippy::disallowed_methods, reason = "a test looks after its own tasks")]
async fn what_is_told_beside_a_long_reading_counts_at_once_and_after_it() {
    let (far, directory) = slow(&[user("u-1", "ann", "2001"), user("u-2", "bob", "2002")]);
    let keeping = tokio::spawn(directory.clone().keep());
    tokio::time::sleep(Duration::from_secs(1)).await;
    directory.heard_user("u-1", &Value::Null, true);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(directory.user("u-1").is_none() && directory.user("u-2").is_some());
    far.go.notify_waiters();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(directory.user("u-2").is_none(), "the new list is in");
    assert_eq!(directory.user("u-1"), None, "and has not what went while it was read");
    keeping.abort();
}

#[derive(Clone, Debug)]
enum Act {
    Put(u8, u8, u8),
    Remove(u8),
}

proptest! {
    /// A shelf that was changed finds what a plain map finds.
    #[test]
    fn a_shelf_is_a_map(
        first in prop::collection::vec((0u8..12, 0u8..6, 0u8..6), 0..20),
        acts in prop::collection::vec(prop_oneof![
            (0u8..12, 0u8..6, 0u8..6).prop_map(|(id, extension, email)| Act::Put(id, extension, email)),
            (0u8..12).prop_map(Act::Remove),
        ], 0..40),
    ) {
        let entry = |id: u8, extension: u8, email: u8| {
            let object = json!({ "userId": format!("u{id}"), "extension": extension.to_string(), "email": format!("E{email}@x") });
            Arc::new(User::read(&object, &Numbers::default()).unwrap())
        };
        let mut model: BTreeMap<u8, Arc<User>> = BTreeMap::new();
        let mut shelf = Shelf::of(first.iter().map(|(id, extension, email)| entry(*id, *extension, *email)));
        model.extend(first.iter().map(|(id, extension, email)| (*id, entry(*id, *extension, *email))));
        for act in acts {
            match act {
                Act::Put(id, extension, email) => {
                    shelf.put(entry(id, extension, email));
                    model.insert(id, entry(id, extension, email));
                }
                Act::Remove(id) => {
                    prop_assert_eq!(shelf.remove(&format!("u{id}")), model.remove(&id).is_some());
                }
            }
        }
        prop_assert_eq!(shelf.len(), model.len());
        for id in 0u8..12 {
            prop_assert_eq!(shelf.find(Key::Id(&format!("u{id}"))), model.get(&id).cloned());
        }
        for key in 0u8..6 {
            let (extension, email) = (key.to_string(), format!("e{key}@X"));
            let found = shelf.find(Key::Extension(&extension));
            prop_assert_eq!(found.is_some(), model.values().any(|user| user.extension() == Some(&extension)));
            prop_assert!(found.is_none_or(|user| user.extension() == Some(&extension)));
            let found = shelf.find(Key::Email(&email));
            let same = |user: &User| user.email().is_some_and(|known| known.eq_ignore_ascii_case(&email));
            prop_assert_eq!(found.is_some(), model.values().any(|user| same(user)));
            prop_assert!(found.is_none_or(|user| same(&user)));
        }
    }

    /// Whatever a far side sends is read without harm, and no secret is kept of it.
    #[test]
    fn anything_is_read(text in "\\PC{0,40}", number in any::<f64>()) {
        let mut objects = vec![json!(text), json!(number), json!([text]), Value::Null];
        for key in ["userId", "id", "name", "email", "phone", "members", "_embedded", "timeZone", "address", "dialingRules", "tags", "participants"] {
            for value in [json!(text), json!(number), json!([text, { "id": text }]), json!({ "items": [text], "country": text }), Value::Null] {
                objects.push(json!({ key: value, "siteId": "s", "sipPassword": "hunter2" }));
            }
        }
        let numbers = Numbers::of(Some("CA"));
        for object in &objects {
            let user = User::read(object, &numbers);
            let shown = format!("{user:?}");
            prop_assert!(!shown.contains("hunter2"));
            let _ = (Contact::read(object, &numbers), Group::read(object), Site::read(object), Talk::read(object));
        }
    }
}
