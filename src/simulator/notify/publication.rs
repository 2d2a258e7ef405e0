//! A publication: what a service, or an application, says has happened.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::simulator::clock;
use crate::simulator::variants::{Variant, Variants};
use crate::simulator::world::guid;

/// What is published, before anyone is told.
pub(crate) struct Publication {
    pub(crate) id: String,
    pub(crate) topic: String,
    pub(crate) method: String,
    pub(crate) subject: String,
    pub(crate) content: Value,
    pub(crate) account_id: String,
    /// Who caused it.
    pub(crate) principal_id: String,
    /// Who may hear of it; everyone if absent.
    pub(crate) audience: Option<Vec<String>>,
}

impl Publication {
    /// A publication with a new id that everyone may hear.
    pub(crate) fn new(topic: &str, method: &str, subject: String, content: Value, (account, by): (&str, &str)) -> Self {
        Self {
            id: guid(),
            topic: topic.to_owned(),
            method: method.to_owned(),
            subject,
            content,
            account_id: account.to_owned(),
            principal_id: by.to_owned(),
            audience: None,
        }
    }

    /// As filters see it and as every subscriber gets it, but for the subscriber's own parts.
    pub(crate) fn document(&self) -> Value {
        json!({
            "publicationId": self.id, "topic": self.topic, "method": self.method, "subject": self.subject,
            "content": self.content,
            "publisher": { "accountId": self.account_id, "principalId": self.principal_id },
        })
    }

    /// What must be told in order: the call, the conversation, else the subject itself.
    pub(crate) fn resource(&self) -> &str {
        let Some((_, rest)) = self.subject.split_once("/conversations/") else {
            return &self.subject;
        };
        rest.split_once('/').map_or(&self.subject, |(conversation, _)| conversation)
    }
}

/// The body of one subscription's webhook.
pub(crate) fn addressed(document: &Value, subscription_id: &str, now: DateTime<Utc>, variants: Variants) -> Vec<u8> {
    let mut document = document.clone();
    document["subscription"] = json!({ "subscriptionId": subscription_id });
    document["notification"] = json!({ "createdOn": clock::iso(now), "correlationId": guid() });
    if let (true, Some(document)) = (variants.has(Variant::NoPublicationId), document.as_object_mut()) {
        document.shift_remove("publicationId");
    }
    let wrapped = if variants.has(Variant::Envelope) {
        json!({ "publications": [document] })
    } else if variants.has(Variant::EnvelopeArray) {
        json!([document])
    } else if variants.has(Variant::EnvelopeOne) {
        json!({ "publication": document })
    } else {
        document
    };
    wrapped.to_string().into_bytes()
}
