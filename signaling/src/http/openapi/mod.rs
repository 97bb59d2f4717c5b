//! `GET /api/openapi.json`: the description of the API for programs (OpenAPI 3.1). The rows say which request wants and
//! answers what; the schemas are made of the same types as the page's (`make types`).

mod rows;

use std::sync::LazyLock;

use axum::http::header;
use axum::response::IntoResponse;
use serde_json::{Map, Value as Json, json};

use super::access::COOKIE;

/// Schemas of all values that travel as JSON.
const SCHEMAS: &str = include_str!("schemas.json");

/// Who may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    /// Whoever has the address: a link's secret is in its path.
    Anybody,
    /// An account that has signed in.
    Account,
    /// Whoever has a token, or a seat's secret.
    Bearer,
    /// An account, or whoever has a seat's secret.
    Either,
}

/// What a body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Nothing,
    /// A value of this schema.
    Value(&'static str),
    /// A list of them.
    List(&'static str),
    /// Bytes of this media type.
    File(&'static str),
}

/// One request.
struct Row {
    verb: &'static str,
    path: &'static str,
    who: Who,
    /// Names of parameters after the question mark; none is required.
    query: &'static [&'static str],
    body: Option<Answer>,
    status: u16,
    answer: Answer,
    text: &'static str,
}

const fn row(
    (verb, path): (&'static str, &'static str),
    who: Who,
    query: &'static [&'static str],
    body: Option<Answer>,
    (status, answer): (u16, Answer),
    text: &'static str,
) -> Row {
    Row { verb, path, who, query, body, status, answer, text }
}

/// `GET /api/openapi.json`.
pub(super) async fn show() -> impl IntoResponse {
    static TEXT: LazyLock<String> = LazyLock::new(|| document().to_string());
    ([(header::CONTENT_TYPE, "application/json")], TEXT.as_str())
}

fn document() -> Json {
    let mut paths: Map<String, Json> = Map::new();
    for row in rows::ROWS {
        let path = paths.entry(row.path).or_insert_with(|| json!({}));
        path[row.verb] = operation(row);
    }
    let schemas: Json = serde_json::from_str(SCHEMAS).expect("the file is written by `make types`");
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Điểm Cầu",
            "version": env!("CARGO_PKG_VERSION"),
            "license": { "name": "GPL-3.0-or-later", "identifier": "GPL-3.0-or-later" },
            "description": "Every refusal is a Problem: a code of ErrorCode, sometimes the field that is \
                wrong. A request that changes something comes from the server's own pages or names no origin.",
        },
        "servers": [{ "url": "/" }],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "account": { "type": "apiKey", "in": "cookie", "name": COOKIE },
                "bearer": { "type": "http", "scheme": "bearer" },
            },
        },
    })
}

fn operation(row: &Row) -> Json {
    let in_path = row.path.split('/').filter_map(|it| it.strip_prefix('{')?.split('}').next());
    let text = json!({ "type": "string" });
    let parameters: Vec<Json> = in_path
        .map(|name| json!({ "name": name, "in": "path", "required": true, "schema": text }))
        .chain(row.query.iter().map(|name| json!({ "name": name, "in": "query", "schema": text })))
        .collect();
    let security = match row.who {
        Who::Anybody => json!([]),
        Who::Account => json!([{ "account": [] }]),
        Who::Bearer => json!([{ "bearer": [] }]),
        Who::Either => json!([{ "account": [] }, { "bearer": [] }]),
    };
    let mut answer = json!({ "description": if row.answer == Answer::Nothing { "Done." } else { "The answer." } });
    if let Some(content) = content(row.answer) {
        answer["content"] = content;
    }
    let problem =
        json!({ "description": "Refused.", "content": content(Answer::Value("Problem")) });
    let mut operation = json!({
        "operationId": name(row),
        "parameters": parameters,
        "security": security,
        "responses": { row.status.to_string(): answer, "default": problem },
    });
    if !row.text.is_empty() {
        operation["description"] = row.text.into();
    }
    if let Some(content) = row.body.and_then(content) {
        operation["requestBody"] = json!({ "required": true, "content": content });
    }
    operation
}

/// `get /api/meetings/{id}/roll.csv` is `get_meetings_id_roll_csv`.
fn name(row: &Row) -> String {
    let path = row.path.trim_start_matches("/api").trim_start_matches('/');
    let words = path.split(|it: char| !it.is_ascii_alphanumeric()).filter(|it| !it.is_empty());
    std::iter::once(row.verb).chain(words).collect::<Vec<_>>().join("_")
}

fn content(of: Answer) -> Option<Json> {
    let reference = |name: &str| json!({ "$ref": format!("#/components/schemas/{name}") });
    match of {
        Answer::Nothing => None,
        Answer::Value(name) => Some(json!({ "application/json": { "schema": reference(name) } })),
        Answer::List(name) => {
            let schema = json!({ "type": "array", "items": reference(name) });
            Some(json!({ "application/json": { "schema": schema } }))
        }
        Answer::File(media) => Some(json!({ media: {} })),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const VERBS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

    /// The routes of the router's text: every verb of every path.
    fn routes() -> BTreeSet<(String, &'static str)> {
        let mut found = BTreeSet::new();
        for route in include_str!("../mod.rs").split(".route(").skip(1) {
            let mut depth = 1;
            let end = route.find(|it| {
                depth += i32::from(it == '(') - i32::from(it == ')');
                depth == 0
            });
            let route = &route[..end.expect("it is closed")];
            let path = route.split('"').nth(1).expect("a path").replace("{*", "{");
            let is_api = !["/whip", "/whep", "/healthz", "/readyz", "/metrics", "/version"]
                .iter()
                .any(|it| path.starts_with(it));
            let full = if is_api { format!("/api{path}") } else { path };
            let words: Vec<_> =
                route.split(|it: char| !it.is_alphanumeric() && it != '(').collect();
            for verb in VERBS {
                let call = format!("{verb}(");
                if words.iter().any(|it| it.starts_with(&call)) {
                    found.insert((full.clone(), verb));
                }
            }
        }
        found
    }

    #[test]
    fn every_route_has_its_row_and_every_row_its_route() {
        let rows: BTreeSet<_> = rows::ROWS.iter().map(|it| (it.path.to_owned(), it.verb)).collect();
        assert_eq!(rows, routes());
    }

    #[test]
    fn every_schema_that_is_named_is_there() {
        let text = document().to_string();
        let schemas: Json = serde_json::from_str(SCHEMAS).unwrap();
        let named = text.split("#/components/schemas/").skip(1);
        let mut n = 0;
        for name in named.filter_map(|it| it.split('"').next()) {
            assert!(schemas.get(name).is_some(), "{name}");
            n += 1;
        }
        assert!(n > 100);
    }

    #[test]
    fn no_two_operations_have_one_name() {
        let names: BTreeSet<_> = rows::ROWS.iter().map(name).collect();
        assert_eq!(names.len(), rows::ROWS.len());
    }
}
