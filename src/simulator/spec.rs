//! `GET /_spec` of each service: an OpenAPI document that is as small as it is true, made of the table of routes.

use std::sync::Arc;

use axum::Json;
use axum::routing::{MethodRouter, get};
use serde_json::{Map, Value, json};

use super::answer::BASE;
use super::service::{Route, Service, routes};
use super::world::World;

/// The document of one service.
pub(crate) fn of(service: Service) -> MethodRouter<Arc<World>> {
    get(async move || Json(document(service.host(), |route| route.service == service)))
}

/// One document of all.
pub(crate) fn of_all() -> MethodRouter<Arc<World>> {
    get(async || Json(document("all", |_| true)))
}

fn document(title: &str, wanted: impl Fn(&Route) -> bool) -> Value {
    let mut paths = Map::new();
    for route in routes().iter().filter(|route| wanted(route)) {
        let names = route.template.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
        let parameters: Vec<Value> = names
            .map(|name| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } }))
            .collect();
        let operation = json!({
            "tags": [route.service.host()], "parameters": parameters,
            "responses": { "default": { "description": "see the guides" } },
        });
        let path = paths.entry(route.template).or_insert_with(|| json!({}));
        path[route.method.to_ascii_lowercase()] = operation;
    }
    json!({
        "openapi": "3.0.3", "info": { "title": format!("{title} (simulated)"), "version": BASE.trim_start_matches('/') },
        "servers": [{ "url": BASE }], "paths": paths,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_lists_the_routes_of_its_service() {
        let chat = document("chat", |route| route.service == Service::Conversations);
        let typing = &chat["paths"]["/conversations/{conversationId}/participants/{participantId}/typing"]["post"];
        assert_eq!(typing["parameters"][1]["name"], "participantId");
        assert!(chat["paths"].get("/token").is_none());
    }
}
