//! Settings that override what is assumed of CloudLink.

use super::*;
use crate::cloudlink::{AppHeader, Place};

fn cloudlink(lines: &str) -> Folder {
    Folder::with(&LEAST.replace("account_id =", &format!("{lines}\naccount_id =")))
}

#[test]
fn routes_and_the_header_of_the_application_are_as_set() {
    let lines = "app = \"bare\"\npaths = { attachment = \"/files/{attachment}/of/{conversation}\" }";
    let settings = cloudlink(lines).load(&[]).unwrap();
    let options = settings.accounts[0].cloudlink.as_ref().unwrap();
    assert_eq!(options.app, AppHeader::Bare);
    assert_eq!(options.paths.template(Place::Attachment), "/files/{attachment}/of/{conversation}");
    assert_eq!(options.paths.template(Place::Messages), Place::Messages.template());
    let plain = Folder::with(LEAST).load(&[]).unwrap();
    let options = plain.accounts[0].cloudlink.as_ref().unwrap();
    assert_eq!((options.app, &options.paths), (AppHeader::Session, &crate::cloudlink::Paths::default()));
}

#[test]
fn a_variable_moves_a_route() {
    let folder = Folder::with(LEAST);
    let settings = folder.load(&[("SWITCHHOOK__CLOUDLINK__PATHS__PUBLICATIONS", "/publish")]).unwrap();
    let options = settings.accounts[0].cloudlink.as_ref().unwrap();
    assert_eq!(options.paths.template(Place::Publications), "/publish");
}

#[test]
fn what_can_not_be_is_told_with_line_and_reason() {
    let text = LEAST.replace("[cloudlink]\n", "[cloudlink]\napp = \"barr\"\n").replace(
        "client_secret = \"s3cret\" }\n",
        "client_secret = \"s3cret\" }\n[cloudlink.paths]\nmessages = \"/m/{conversation}\"\nattachment = \"files\"\natachment = \"/x\"\n",
    );
    let said = Folder::with(&text).said(&[]);
    for words in [
        "cloudlink.app: `barr` is not possible here (did you mean `bare`?)",
        "cloudlink.paths.messages: Mitel confirms",
        "cloudlink.paths.attachment: write the path below the API's version",
        "cloudlink.paths.atachment: no such key (did you mean `attachment`?)",
    ] {
        assert!(said.contains(words), "{words} is not in\n{said}");
    }
    assert!(said.lines().all(|line| line.starts_with("switchhook.toml:")), "{said}");
}
