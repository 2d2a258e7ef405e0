//! "Did you mean …": the known word that is nearest to a wrong one.

/// The nearest of `known`, if it is near enough to be meant.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if word.len() > 200 {
        return None;
    }
    let lower = word.to_lowercase();
    known
        .into_iter()
        .filter(|other| *other != word && !other.is_empty())
        .map(|other| {
            (strsim::jaro_winkler(&lower, &other.to_lowercase()), strsim::damerau_levenshtein(&lower, other), other)
        })
        .filter(|(likeness, edits, other)| *likeness > 0.84 || *edits <= 1 + other.len() / 6)
        .max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1)))
        .map(|(.., other)| other)
}

/// "did you mean `…`?", or the whole list when it is short, or nothing.
pub fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str> + Clone) -> Option<String> {
    if let Some(found) = nearest(word, known.clone()) {
        return Some(format!("did you mean `{found}`?"));
    }
    let all: Vec<_> = known.into_iter().take(25).collect();
    (!all.is_empty() && all.len() < 25).then(|| format!("known are {}", list(&all)))
}

/// Words in one line: `a`, `b` and `c`.
pub fn list(words: &[&str]) -> String {
    let quoted: Vec<_> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        Some((last, _)) => last.clone(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_words_are_found() {
        let known = ["call.from", "call.from_name", "call.to", "call.endpoint"];
        assert_eq!(nearest("call.form", known), Some("call.from"));
        assert_eq!(nearest("call.endpiont", known), Some("call.endpoint"));
        assert_eq!(nearest("weather", known), None);
        assert_eq!(nearest("wehre", ["where", "when", "while_open"]), Some("where"));
        assert_eq!(nearest("redirct", ["redirect", "reply"]), Some("redirect"));
    }
}
