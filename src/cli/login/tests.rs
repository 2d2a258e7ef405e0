//! Whose login it is, and what is shown of it.

use serde_json::json;

use super::*;
use crate::cloudlink::testing;

fn who(account_id: Option<&str>, claims: serde_json::Value) -> WhoAmI {
    let role = claims["role"].as_str().map(str::to_owned);
    WhoAmI {
        principal_id: Some("p1".into()),
        account_id: account_id.map(str::to_owned),
        role,
        claims,
        correlation: None,
    }
}

#[test]
fn a_login_to_another_account_is_told_where_it_can_be() {
    let options =
        |account_id: &str| Options { account_id: account_id.into(), ..testing::options("http://127.0.0.1:1") };
    let [one, other] = ["5b1f0000-0000-4000-8000-000000000001", "5b1f0000-0000-4000-8000-000000000002"];
    let told = |ours: &str, theirs: Option<&str>| other_account(&options(ours), &who(theirs, json!({})));
    assert_eq!(told(one, Some(other)).as_deref(), Some(other));
    assert_eq!(told(one, Some(&one.to_uppercase())), None);
    assert_eq!(told("10000495", Some(other)), None, "a number and a GUID");
    assert_eq!(told(one, None), None);
}

#[test]
fn what_comes_from_outside_moves_no_cursor() {
    let claims = json!({ "name": "Ada\u{1b}[2J Lovelace\n", "role": "USER" });
    assert_eq!(named(&who(Some("a1"), claims)), "Ada[2J Lovelace (p1), USER, account a1");
    assert_eq!(named(&who(None, json!({}))), "p1");
}

#[tokio::test]
async fn only_a_redirect_with_our_state_ends_the_login() {
    let ear = Ear::bind(&"http://127.0.0.1/callback".parse().unwrap()).await.unwrap();
    let back = ear.redirect_uri().clone();
    let ours = |query: &str| query.contains("state=ours");
    let visit = async |query: &str| {
        let mut url = back.clone();
        url.set_query(Some(query));
        reqwest::get(url).await.unwrap().status().as_u16()
    };
    let strangers = async {
        for query in ["", "code=x", "code=x&state=x", "error=access_denied"] {
            assert_eq!(visit(query).await, 400, "{query}");
        }
        visit("code=y&state=ours").await
    };
    let heard = async {
        let (query, page) = ear.hear(ours).await.unwrap();
        page.show(true).await;
        query
    };
    let (status, query) = tokio::join!(strangers, heard);
    assert_eq!((status, query.as_str()), (200, "code=y&state=ours"));
}
