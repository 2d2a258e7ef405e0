//! The portal's pages as HTML. Everything that came from outside is escaped; no script is on them.

use std::collections::HashMap;

/// What the page hands through from the address to the form.
const HANDED_ON: [&str; 8] = [
    "client_id",
    "response_type",
    "redirect_uri",
    "state",
    "scope",
    "app_name",
    "code_challenge",
    "code_challenge_method",
];

/// A form to sign in with.
pub(super) struct Form<'a> {
    pub(super) query: &'a HashMap<String, String>,
    /// Why the last try failed.
    pub(super) complaint: Option<&'a str>,
}

/// The page with the form.
pub(super) fn form(form: &Form<'_>) -> String {
    let given = |key: &str| form.query.get(key).map_or("", String::as_str);
    let hidden = HANDED_ON.iter().filter(|key| form.query.contains_key(**key));
    let hidden =
        hidden.map(|key| format!("<input type=\"hidden\" name=\"{key}\" value=\"{}\">\n", escaped(given(key))));
    let hidden = hidden.collect::<Vec<_>>().concat();
    let application = if given("app_name").is_empty() { given("client_id") } else { given("app_name") };
    let complaint = form.complaint.map(|text| format!("<p class=\"complaint\" role=\"alert\">{}</p>\n", escaped(text)));
    let body = format!(
        r#"<h1>Sign in</h1>
<p>to continue to <strong id="app-name">{application}</strong></p>
{complaint}<form method="post" action="/authorize">
{hidden}<label for="username">Email or user name</label>
<input id="username" name="username" type="text" autocomplete="username" required autofocus value="{username}">
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required>
<label for="account_id">Account <small>(only if you have several)</small></label>
<input id="account_id" name="account_id" type="text" autocomplete="off" value="{account}">
<button id="sign-in" type="submit">Sign in</button>
<button id="cancel" type="submit" name="cancel" value="1" formnovalidate>Cancel</button>
</form>"#,
        application = escaped(application),
        complaint = complaint.unwrap_or_default(),
        username = escaped(given("username")),
        account = escaped(given("account_id")),
    );
    whole("Sign in", &body)
}

/// A page that leads nowhere, and says why.
pub(super) fn dead_end(why: &str) -> String {
    whole("This can't be", &format!("<h1>This request is not valid</h1>\n<p id=\"error\">{}</p>", escaped(why)))
}

fn whole(title: &str, body: &str) -> String {
    format!(
        r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title} - CloudLink (simulated)</title>
<style>
body {{ font: 16px sans-serif; background: #f2f4f7; display: grid; place-items: center; min-height: 95vh }}
main {{ background: #fff; padding: 2rem; border-radius: .5rem; width: 20rem; box-shadow: 0 1px 6px #0003 }}
label {{ display: block; margin-top: 1rem }}
input {{ width: 100%; box-sizing: border-box; padding: .5rem }}
button {{ margin-top: 1.5rem; padding: .5rem 1.5rem }}
.complaint {{ color: #a00 }}
</style>
</head>
<body>
<main>
{body}
</main>
</body>
</html>
"#
    )
}

fn escaped(text: &str) -> String {
    text.chars().fold(String::new(), |mut safe, c| {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
        safe
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_from_outside_is_text_and_stays_in_the_form() {
        let query = HashMap::from([
            ("state".to_owned(), "\"><script>".to_owned()),
            ("app_name".to_owned(), "A & B".to_owned()),
            ("password".to_owned(), "hush".to_owned()),
        ]);
        let page = form(&Form { query: &query, complaint: Some("<no>") });
        assert!(page.contains("name=\"state\" value=\"&quot;&gt;&lt;script&gt;\""));
        assert!(page.contains("A &amp; B") && page.contains("&lt;no&gt;"));
        assert!(!page.contains("<script") && !page.contains("hush"));
    }
}
