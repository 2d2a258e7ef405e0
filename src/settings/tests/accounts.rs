//! Several accounts: what is each one's own, and what is wrong with sharing.

use super::*;

const TWO: &str = r#"
[[application]]
name = "one"
id = "9f1c2b3a-0000-4000-8000-000000000001"
[[application]]
name = "two"
id = "9f1c2b3a-0000-4000-8000-000000000002"
[locale]
country = "CA"
[[account]]
name = "acme"
account_id = "1"
auth = { grant = "client_credentials", client_id = "a", client_secret = "s1" }
applications = ["one"]
rules = ["rules/common", "rules/acme"]
[[account]]
name = "beta"
account_id = "2"
cloud = "eu"
auth = { grant = "client_credentials", client_id = "b", client_secret = "s2" }
applications = "two"
locale = { country = "DE", timezone = "Europe/Berlin" }
"#;

#[test]
fn each_account_has_what_is_its_own() {
    let folder = Folder::with(TWO);
    let settings = folder.load(&[]).unwrap();
    let [acme, beta] = &settings.accounts[..] else { panic!("two accounts") };
    assert_eq!((&*acme.name, &*beta.name), ("acme", "beta"));
    assert_eq!(acme.rules, [folder.path().join("rules/common"), folder.path().join("rules/acme")]);
    assert_eq!(beta.rules, [folder.path().join("rules")]);
    assert_eq!((acme.locale.country.as_deref(), beta.locale.country.as_deref()), (Some("CA"), Some("DE")));
    let host = |account: &Account| account.cloudlink.as_ref().unwrap().urls.media.host_str().unwrap().to_owned();
    assert_eq!((host(acme), host(beta)), ("media.api.mitel.io".to_owned(), "media.eu.api.mitel.io".to_owned()));
    let owners: Vec<_> = settings.server.applications.iter().map(|one| (&*one.name, &*one.account)).collect();
    assert_eq!(owners, [("one", "acme"), ("two", "beta")]);
}

#[test]
fn an_account_is_chosen_by_its_name_or_because_it_is_the_only_one() {
    let desk = load_for_desk(Folder::with(TWO).path(), &Environment::default()).unwrap();
    assert_eq!(&*desk.account(Some("beta")).unwrap().name, "beta");
    assert_eq!(desk.account(None).unwrap_err(), "there are several accounts: say --account with one of acme, beta");
    assert_eq!(desk.account(Some("betta")).unwrap_err(), "there is no account `betta`: did you mean `beta`?");
}

#[test]
fn what_is_shared_by_mistake_is_said() {
    let wrong = TWO
        .replace("applications = [\"one\"]", "applications = [\"one\", \"too\"]")
        .replace("applications = \"two\"", "applications = [\"one\"]")
        .replace("name = \"beta\"", "name = \"acme\"");
    insta::assert_snapshot!(Folder::with(&format!("{wrong}[cloudlink]\naccount_id = \"3\"\n")).said(&[]), @"
        switchhook.toml:6: application[1].name: `two` is of no account (name it in the `applications` of one [[account]])
        switchhook.toml:14: account[0].applications: there is no [[application]] `too` (did you mean `two`?)
        switchhook.toml:17: account[1].name: there is another `acme`
        switchhook.toml:21: account[1].applications: `one` is the account `acme`'s already (an application's notifications are those of one account)
        switchhook.toml:23: cloudlink: stands beside [[account]] (move it into an [[account]] of its own: [cloudlink] is the shorthand for a single account)
    ");
    let wrong = TWO.replace("cloud = \"eu\"", "cloud = \"eu\"\ncredentials = [\"crm\"]");
    insta::assert_snapshot!(Folder::with(&wrong).said(&[]), @"switchhook.toml:20: account[1].credentials: there is no [[credential]] `crm` (there are none)");
    let none = TWO.replace("applications = [\"one\"]\n", "");
    insta::assert_snapshot!(Folder::with(&none).said(&[]), @"
        switchhook.toml:3: application[0].name: `one` is of no account (name it in the `applications` of one [[account]])
        switchhook.toml:10: account[0].applications: is missing (name the [[application]] whose notifications are this account's)
    ");
}
