//! The documentation of the API: a page for people, and OpenAPI for programs.

use std::sync::Arc;

use axum::Extension;
use axum::http::Method;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use crate::gate::rules;
use crate::markup::{add, escape};

/// Both forms, made once.
#[derive(Debug)]
pub(crate) struct Description {
    json: String,
    page: String,
}

impl Description {
    /// Both forms of a description in OpenAPI.
    pub(crate) fn new(description: &Value) -> Self {
        Self { page: render(description), json: description.to_string() }
    }
}

/// What an error's slug means.
const PROBLEMS: &[(&str, &str)] = &[
    ("sign-in-required", "401. Nobody is signed in."),
    ("wrong-code", "401. A one-time code is unknown, used or too old."),
    ("wrong-key", "401. The stream key opens no channel."),
    ("wrong-name-or-password", "401. Signing in did not work."),
    ("not-allowed", "403. Signed in, but without the right."),
    ("age-limit", "403. The profile has an age limit that does not allow it."),
    ("wrong-origin", "403. The request came from another site's page."),
    ("not-found", "404. There is no such thing, or not any more."),
    ("method", "405. The address does not take this method."),
    ("conflict", "409. It contradicts what is there, such as a name that is taken."),
    ("unplayable", "409. The film cannot be watched; detail says why."),
    ("not-live", "409. Nobody publishes this channel at the moment."),
    ("unsuitable", "409. The stream cannot be watched by WebRTC; its segments can."),
    ("not-running", "409. The session is over; reason and last_words say how."),
    ("wrong-pin", "409. The PIN is wrong or missing."),
    ("streams-taken", "409. The account watches as many streams as it may; streams says where."),
    ("stream-ended", "409. Somebody ended this stream on another device."),
    ("seat-taken", "409. Somebody sits there; holder says who."),
    ("gone", "410. An invite that is over."),
    ("tus-version", "412. The client speaks another version of tus than 1.0.0."),
    ("too-large", "413. More bytes than are accepted."),
    ("wrong-type", "415. Another content type is wanted."),
    ("range", "416. The range lies beyond the end."),
    ("invalid", "422. A value that cannot be used; field says which."),
    ("unavailable-title", "422. The title cannot be started here; install says how to get what is missing."),
    ("locked", "423. Another connection writes this upload."),
    ("too-many-attempts", "429. Wait retry_after_seconds."),
    ("internal", "500. The server failed; its log says why."),
    ("elsewhere", "502. What the server of somebody else sends cannot be passed on; detail says why."),
    ("session-failed", "502. The session's process failed or refused."),
    ("capacity", "503. All places are taken; place_in_queue is yours."),
    ("queue-full", "503. All places are taken and the queue is full."),
    ("busy", "503. Too much to do at the moment."),
    ("encoder", "503. No encoder works here, or not the configured one."),
    ("timeout", "504. No answer in time."),
    ("disk", "507. No room, or the disk refused."),
];

const STYLE: &str = "
:root{color-scheme:dark light;--house:#110e17;--stage:#1b1724;--rail:#2a2436;--ink:#f4f1fa;--soft:#b0a8c2;--marquee:#f4b740}
@media(prefers-color-scheme:light){:root{--house:#faf8f5;--stage:#fff;--rail:#e9e4ee;--ink:#1a1523;--soft:#5d5570;--marquee:#9a6400}}
*{box-sizing:border-box}body{margin:0;background:var(--house);color:var(--ink);font:15px/1.55 Inter,system-ui,sans-serif}
main{max-width:920px;margin:0 auto;padding:32px 16px 96px}h1{font-size:34px;margin:0 0 8px}h2{font-size:24px;margin:48px 0 8px}
p{margin:8px 0}.soft{color:var(--soft)}a{color:var(--marquee)}code,pre{font:13px/1.5 ui-monospace,monospace}
article{background:var(--stage);border:1px solid var(--rail);border-radius:12px;padding:16px;margin:16px 0}
h3{font-size:15px;margin:0;overflow-wrap:anywhere}h3 b{color:var(--marquee);margin-right:8px}
pre{background:var(--house);border:1px solid var(--rail);border-radius:8px;padding:8px 12px;overflow-x:auto;margin:8px 0}
ul{padding-left:20px;margin:8px 0}dt{font-family:ui-monospace,monospace;font-size:13px}dd{margin:0 0 8px 16px}dt:target{color:var(--marquee)}
nav a{margin-right:16px}:focus-visible{outline:3px solid var(--marquee);outline-offset:2px}";

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_default()
}

/// Prose whose parts between backticks are code.
fn code(prose: &str) -> String {
    let part = |(index, part): (usize, &str)| {
        let part = escape(part);
        if index % 2 == 1 { format!("<code>{part}</code>") } else { part }
    };
    prose.split('`').enumerate().map(part).collect()
}

/// The order in which somebody new meets the subjects.
const ORDER: [&str; 14] = [
    "Sign-in",
    "Titles",
    "Films",
    "Channels",
    "Guide",
    "Recordings",
    "Search",
    "Uploads",
    "Sessions",
    "Media",
    "Seats and invites",
    "Clips",
    "Accounts",
    "System",
];

fn anchor(tag: &str) -> String {
    tag.to_lowercase().replace(' ', "-")
}

/// The example of a request's body, from its schema.
fn example(description: &Value, operation: &Value) -> Option<String> {
    let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
    let name = schema["$ref"].as_str()?.rsplit('/').next()?;
    let example = &description["components"]["schemas"][name]["example"];
    (!example.is_null()).then(|| example.to_string())
}

/// A command that makes the call.
fn curl(description: &Value, method: &str, path: &str, operation: &Value) -> String {
    let method = method.to_uppercase();
    let mut command = "curl -i".to_owned();
    if method != "GET" {
        add(&mut command, format_args!(" -X {method}"));
    }
    if rules::find(&Method::from_bytes(method.as_bytes()).unwrap_or_default(), path)
        != Some(rules::Need::Anyone)
    {
        command.push_str(" -H \"Authorization: Bearer $TOKEN\"");
    }
    if let Some(example) = example(description, operation) {
        add(&mut command, format_args!(" \\\n  -H 'Content-Type: application/json' -d '{example}'"));
    } else if let Some(kind) =
        operation["requestBody"]["content"].as_object().and_then(|kinds| kinds.keys().next())
    {
        add(&mut command, format_args!(" \\\n  -H 'Content-Type: {kind}' --data-binary @body"));
    }
    let line = if command.contains('\n') { " \\\n  " } else { " " };
    add(&mut command, format_args!("{line}\"$PLAYHOUSE{path}\""));
    command
}

fn operation(out: &mut String, description: &Value, method: &str, path: &str, operation: &Value) {
    let id = text(operation, "operationId");
    let need = rules::find(&Method::from_bytes(method.to_uppercase().as_bytes()).unwrap_or_default(), path);
    let who = need.map_or("nobody", rules::Need::words);
    let words = [text(operation, "summary"), text(operation, "description")].join(" ");
    let mut line = |line: String| out.push_str(&line);
    line(format!(
        "<article id=\"{}-{id}\"><h3><b>{}</b><code>{}</code></h3>",
        anchor(method),
        method.to_uppercase(),
        escape(path)
    ));
    line(format!("<p>{}</p><p class=\"soft\">Who may: {}.</p>", code(words.trim()), escape(who)));
    line(format!("<pre>{}</pre><ul>", escape(&curl(description, method, path, operation))));
    for (status, response) in operation["responses"].as_object().into_iter().flatten() {
        let kinds: Vec<&str> =
            response["content"].as_object().into_iter().flatten().map(|(kind, _)| kind.as_str()).collect();
        let body = response["content"]["application/json"]["schema"]["$ref"].as_str();
        let body =
            body.and_then(|name| name.rsplit('/').next()).map(|name| format!(" {name}")).unwrap_or_default();
        let what = text(response, "description");
        line(format!(
            "<li><code>{status}</code>{} <span class=\"soft\">{}</span> {}</li>",
            escape(&body),
            escape(&kinds.join(", ")),
            code(what)
        ));
    }
    line("</ul></article>".to_owned());
}

/// Name and type of a schema's fields.
fn schema(out: &mut String, name: &str, schema: &Value) {
    let kind = |field: &Value| {
        let of = |value: &Value| {
            let named = value["$ref"].as_str().and_then(|name| name.rsplit('/').next()).map(str::to_owned);
            named.unwrap_or_else(|| match &value["type"] {
                Value::String(kind) => kind.clone(),
                Value::Array(kinds) => {
                    kinds.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" or ")
                }
                _ => "any".to_owned(),
            })
        };
        let either =
            field["oneOf"].as_array().map(|kinds| kinds.iter().map(of).collect::<Vec<_>>().join(" or "));
        let items = field.get("items").map(|items| format!("list of {}", of(items)));
        either.or(items).unwrap_or_else(|| of(field))
    };
    let words = text(schema, "description");
    add(out, format_args!("<article id=\"{name}\"><h3>{name}</h3><p>{}</p><ul>", code(words)));
    for (field, what) in schema["properties"].as_object().into_iter().flatten() {
        let words = text(what, "description");
        let line = format!(
            "<li><code>{field}</code> <span class=\"soft\">{}</span> {}</li>",
            escape(&kind(what)),
            escape(words)
        );
        out.push_str(&line);
    }
    if let Some(words) = schema["enum"].as_array() {
        let words: Vec<&str> = words.iter().filter_map(Value::as_str).collect();
        add(out, format_args!("<li>{}</li>", escape(&words.join(", "))));
    }
    out.push_str("</ul></article>");
}

/// Method, path, and the description of a call.
type Operation<'a> = (&'a str, &'a str, &'a Value);

fn render(description: &Value) -> String {
    let mut tags: Vec<(&str, Vec<Operation<'_>>)> = Vec::new();
    for (path, item) in description["paths"].as_object().into_iter().flatten() {
        for (method, operation) in item.as_object().into_iter().flatten() {
            let tag = operation["tags"][0].as_str().unwrap_or("Others");
            let index = tags.iter().position(|(known, _)| *known == tag).unwrap_or_else(|| {
                tags.push((tag, Vec::new()));
                tags.len() - 1
            });
            tags[index].1.push((method, path, operation));
        }
    }
    tags.sort_by_key(|(tag, _)| ORDER.iter().position(|known| known == tag));
    let mut out = String::from("<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">");
    out.push_str("<meta name=\"viewport\" content=\"width=device-width\"><title>API of Playhouse</title>");
    let info = code(text(&description["info"], "description"));
    add(&mut out, format_args!("<style>{STYLE}</style><main><h1>API of Playhouse</h1><p>{info}</p>"));
    let first = "PLAYHOUSE=http://127.0.0.1:7770\nTOKEN=$(curl -s -H 'Content-Type: application/json' \\\n  \
                 -d '{\"name\": \"Ada\", \"password\": \"a good long one\", \"token\": true}' \\\n  \
                 $PLAYHOUSE/api/sign-in | jq -r .token)";
    add(&mut out, format_args!("<pre>{}</pre>", escape(first)));
    out.push_str("<p>For programs: <a href=\"/api/openapi.json\">openapi.json</a>.</p><nav>");
    for (tag, _) in &tags {
        add(&mut out, format_args!("<a href=\"#{}\">{}</a>", anchor(tag), escape(tag)));
    }
    out.push_str("<a href=\"#errors\">Errors</a><a href=\"#shapes\">Shapes</a></nav>");
    for (tag, operations) in &tags {
        add(&mut out, format_args!("<h2 id=\"{}\">{}</h2>", anchor(tag), escape(tag)));
        for (method, path, value) in operations {
            operation(&mut out, description, method, path, value);
        }
    }
    out.push_str(
        "<h2 id=\"errors\">Errors</h2><p>The end of an error's <code>type</code>, and what it means.</p><dl>",
    );
    for (slug, words) in PROBLEMS {
        add(&mut out, format_args!("<dt id=\"{slug}\">{slug}</dt><dd>{}</dd>", escape(words)));
    }
    out.push_str("</dl><h2 id=\"shapes\">Shapes</h2>");
    for (name, value) in description["components"]["schemas"].as_object().into_iter().flatten() {
        schema(&mut out, name, value);
    }
    out.push_str("</main></html>\n");
    out
}

/// This page: each route with who may use it and an example.
#[utoipa::path(get, path = "/api", tag = "System", responses((status = 200, content_type = "text/html")))]
pub(crate) async fn page(Extension(description): Extension<Arc<Description>>) -> Response {
    ([(CONTENT_TYPE, "text/html; charset=utf-8"), (CACHE_CONTROL, "no-cache")], description.page.clone())
        .into_response()
}

/// The description of the API in OpenAPI.
#[utoipa::path(get, path = "/api/openapi.json", tag = "System", responses((status = 200, content_type = "application/json")))]
pub(crate) async fn json(Extension(description): Extension<Arc<Description>>) -> Response {
    ([(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-cache")], description.json.clone())
        .into_response()
}
