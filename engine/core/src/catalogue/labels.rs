//! What a tool can do to a conversation, and conversations in which all of it comes together.
//!
//! A model that reads what strangers wrote, sees what is private, and can write outside, can be talked into carrying the one to
//! the other. Which of the three a tool does is guessed from its name, its description, its hints and its parameters; whoever
//! knows better says so.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Tool;

/// One of the three.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Label {
    /// It reads what people wrote who are not the model's user: pages, mails, issues.
    ReadsUntrusted,
    /// It reads what is not public: files, mails, databases.
    ReadsPrivate,
    /// What it is given leaves: mails, posts, requests.
    WritesOutside,
}

impl Label {
    /// All three.
    pub const ALL: [Self; 3] = [Self::ReadsUntrusted, Self::ReadsPrivate, Self::WritesOutside];

    /// The name on the command line and in answers.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ReadsUntrusted => "reads-untrusted",
            Self::ReadsPrivate => "reads-private",
            Self::WritesOutside => "writes-outside",
        }
    }

    /// The label of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|label| label.as_str() == name)
    }
}

const READS: &str = "read get list search find fetch query retrieve download browse scrape crawl extract view open load lookup \
    show returns return reads gets lists fetches searches retrieves select export";
const WRITES: &str = "send post publish upload share tweet reply forward push submit create add comment merge sends posts \
    publishes uploads creates write update invite notify call message email";
/// Things that strangers write.
const STRANGERS: &str = "web webpage page pages website url urls html email emails mail mails inbox issue issues comment comments \
    pull ticket tickets message messages tweet tweets feed rss news post posts review reviews channel thread \
    threads forum transcript internet attachment attachments results";
/// Things that are not for everybody.
const PRIVATE: &str = "file files directory folder filesystem email emails mail mails inbox calendar contact contacts database \
    table tables row rows sql secret secrets credential credentials password passwords drive note notes crm \
    customer customers account accounts invoice invoices document documents repository clipboard screenshot \
    history memory private employee employees patient payroll environment logs";
/// Places that are outside.
const OUTSIDE: &str = "email emails mail message messages slack channel issue issues comment comments pull tweet post gist webhook \
    request http url api discord telegram sms page bucket pastebin repository ticket thread event invitation \
    chat whatsapp upload";

/// What a tool does of the three, as far as its description tells.
#[must_use]
pub fn labels(tool: &Tool) -> Vec<Label> {
    let text = |pointer: &str| tool.value.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    // What it says first is what it does; the rest is how.
    let first: String = text("/description").chars().take(400).collect();
    let words = words(&format!("{} {} {first}", tool.name, text("/title")));
    let has = |list: &str| list.split(' ').any(|known| words.iter().any(|word| word == known));
    let hint = |name: &str| tool.value.pointer(&format!("/annotations/{name}")).and_then(Value::as_bool);
    let properties = tool.value.pointer("/inputSchema/properties").and_then(Value::as_object);
    let takes_address = properties.into_iter().flatten().any(|(name, schema)| {
        schema.get("format").and_then(Value::as_str) == Some("uri")
            || ["url", "uri", "webhook_url"].contains(&name.as_str())
    });
    let mut labels = Vec::new();
    let closed = hint("openWorldHint") == Some(false);
    if (has(READS) && has(STRANGERS) && !closed) || (takes_address && has(READS)) {
        labels.push(Label::ReadsUntrusted);
    }
    if has(READS) && has(PRIVATE) {
        labels.push(Label::ReadsPrivate);
    }
    // A server's own word that a tool only reads is no proof, but an address that is fetched carries data in any case.
    let writes = has(WRITES) && has(OUTSIDE) && hint("readOnlyHint") != Some(true) && !closed;
    if writes || takes_address {
        labels.push(Label::WritesOutside);
    }
    labels
}

/// The words of a text, lower case, names taken apart.
fn words(text: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before = ' ';
    for character in text.chars() {
        let begins = !character.is_alphanumeric() || (character.is_uppercase() && before.is_lowercase());
        if begins && words.last().is_some_and(|word| !word.is_empty()) {
            words.push(String::new());
        }
        if character.is_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.extend(character.to_lowercase());
        }
        before = character;
    }
    words
}

/// The index of the call that makes a session toxic: with it, all three are there. `calls` are the labels of each call, in order.
#[must_use]
pub fn toxic_flow(calls: &[Vec<Label>]) -> Option<usize> {
    let mut seen = Vec::new();
    for (index, labels) in calls.iter().enumerate() {
        seen.extend(labels);
        if Label::ALL.iter().all(|label| seen.contains(label)) {
            return Some(index);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Listing;

    fn of(json: &str) -> Vec<Label> {
        labels(&Listing::read(json.as_bytes()).unwrap().tools[0])
    }

    #[test]
    fn tools_are_labelled_by_what_they_say() {
        use Label::{ReadsPrivate, ReadsUntrusted, WritesOutside};
        for (json, expected) in [
            (
                r#"[{"name":"fetch","description":"Fetches a URL from the internet","inputSchema":{"properties":{"url":{"type":"string"}}}}]"#,
                vec![ReadsUntrusted, WritesOutside],
            ),
            (r#"[{"name":"read_file","description":"Read a file from disk"}]"#, vec![ReadsPrivate]),
            (r#"[{"name":"send_email","description":"Send an email to someone"}]"#, vec![WritesOutside]),
            (
                r#"[{"name":"get_inbox","description":"Reads the newest emails of the user"}]"#,
                vec![ReadsUntrusted, ReadsPrivate],
            ),
            (
                r#"[{"name":"list_issues","description":"List issues","annotations":{"readOnlyHint":true}}]"#,
                vec![ReadsUntrusted],
            ),
            (r#"[{"name":"add","description":"Add two numbers"}]"#, vec![]),
            (r#"[{"name":"get_time","description":"Gives the current time in a time zone"}]"#, vec![]),
        ] {
            let found = of(json);
            let wanted = |label: &Label| found.contains(label) == expected.contains(label);
            assert!(Label::ALL.iter().all(wanted), "{json}: {found:?}");
        }
    }

    #[test]
    fn a_session_is_toxic_when_all_three_meet() {
        use Label::{ReadsPrivate, ReadsUntrusted, WritesOutside};
        assert_eq!(toxic_flow(&[vec![ReadsUntrusted], vec![], vec![ReadsPrivate], vec![WritesOutside]]), Some(3));
        assert_eq!(toxic_flow(&[vec![ReadsUntrusted, WritesOutside], vec![ReadsPrivate], vec![]]), Some(1));
        assert_eq!(toxic_flow(&[vec![ReadsPrivate], vec![WritesOutside], vec![ReadsPrivate]]), None);
    }
}
