//! The document of the API, in the form of `OpenAPI` 3.1: made of the table, so that it cannot say other than what is answered.

use http::{Method, StatusCode};
use serde_json::{Map, Value, json};

use super::guard::Rules;
use super::reply::Problem;
use super::route::{Gives, Kind, Link, Parameter, Route, Takes};
use super::schema::{Shapes, Shown};

/// The document of these routes, for callers under these rules.
pub(super) fn document(routes: &[Route], rules: &Rules) -> Value {
    let mut shapes = Shapes::default();
    let problem = Problem::schema(&mut shapes);
    let mut paths: Map<String, Value> = Map::new();
    for route in routes {
        let item = paths.entry(route.path).or_insert_with(|| json!({}));
        let mut operation = operation(route, &mut shapes);
        if route.is_probe && rules.has_open_probes {
            operation["security"] = json!([]);
        }
        item[route.method.as_str().to_ascii_lowercase()] = operation;
    }
    let refused =
        |words: &str| json!({ "description": words, "content": { "application/json": { "schema": problem } } });
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Weir",
            "summary": "How a running proxy is asked and told.",
            "description": "Lists are shown in parts: `offset` and `limit`. An order is a POST of `{}` as JSON. A problem is \
                told as `{ \"error\": ... }`.",
            "version": env!("CARGO_PKG_VERSION"),
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "paths": paths,
        "components": {
            "schemas": shapes.0,
            "securitySchemes": { "token": { "type": "http", "scheme": "bearer" } },
            "responses": {
                "Bad": refused("A parameter or the body is not as it must be."),
                "Unauthorized": refused("The token is missing or wrong."),
                "Forbidden": refused("Browsers' pages, and names that are not this address's, are not served."),
                "UnsupportedMediaType": refused("The body has another content type."),
                "TooLarge": refused("The body is too large."),
                "TooSlow": refused("The body did not come in time."),
                "Ending": refused("The proxy is ending."),
            },
        },
        "security": if rules.token.is_some() { json!([{ "token": [] }]) } else { json!([]) },
    })
}

fn operation(route: &Route, shapes: &mut Shapes) -> Value {
    let links: Map<String, Value> = route.leads_to.iter().map(link).collect();
    let good = match route.gives {
        Gives::Json(schema) => json!({ "application/json": { "schema": schema(shapes) } }),
        Gives::Text(kind) => json!({ kind: { "schema": { "type": "string" } } }),
    };
    let reference = |name: &str| json!({ "$ref": format!("#/components/responses/{name}") });
    let mut responses = json!({
        "200": { "description": "As asked.", "content": good, "links": links },
        "400": reference("Bad"),
        "401": reference("Unauthorized"),
        "403": reference("Forbidden"),
        "503": reference("Ending"),
    });
    if route.takes != Takes::Nothing {
        responses["408"] = reference("TooSlow");
        responses["413"] = reference("TooLarge");
        responses["415"] = reference("UnsupportedMediaType");
    }
    for (status, words) in route.refuses {
        responses[status.as_str()] = problem(*status, words, route);
    }
    let mut operation = json!({
        "operationId": operation_id(route),
        "summary": route.words,
        "responses": responses,
    });
    if !route.parameters.is_empty() {
        operation["parameters"] = route.parameters.iter().map(|one| parameter(route, one)).collect();
    }
    match route.takes {
        Takes::Nothing => {}
        Takes::Order => {
            let empty = json!({ "type": "object", "maxProperties": 0, "additionalProperties": false });
            operation["requestBody"] =
                json!({ "required": true, "content": { "application/json": { "schema": empty } } });
        }
        Takes::Bytes(types, _) => {
            let content: Map<String, Value> = types.iter().map(|kind| ((*kind).to_owned(), json!({}))).collect();
            operation["requestBody"] = json!({ "required": true, "content": content });
        }
    }
    operation
}

/// What a status of one row says. Where the good answer's view tells more than an error, it has that form.
fn problem(status: StatusCode, words: &str, route: &Route) -> Value {
    let is_view = [StatusCode::UNPROCESSABLE_ENTITY, StatusCode::SERVICE_UNAVAILABLE].contains(&status);
    let schema = match route.gives {
        Gives::Json(schema) if is_view && route.views_refusals => schema(&mut Shapes::default()),
        _ => json!({ "$ref": "#/components/schemas/Problem" }),
    };
    json!({ "description": words, "content": { "application/json": { "schema": schema } } })
}

fn parameter(route: &Route, parameter: &Parameter) -> Value {
    let schema = match parameter.kind {
        Kind::Text => json!({ "type": "string", "minLength": u8::from(route.is_in_path(parameter)) }),
        Kind::Path => json!({ "type": "string", "pattern": r"^/[!$-;=?-\[\]_a-z~]*$" }),
        Kind::Token => json!({ "type": "string", "pattern": "^[A-Z]{1,32}$" }),
        Kind::Word(words) => json!({ "enum": words }),
        Kind::Digest => json!({ "type": "string", "pattern": "^[0-9A-Fa-f]{64}$" }),
        Kind::Number(least, most) => json!({ "type": "integer", "minimum": least, "maximum": most }),
    };
    json!({
        "name": parameter.name,
        "in": if route.is_in_path(parameter) { "path" } else { "query" },
        "required": parameter.is_required || route.is_in_path(parameter),
        "description": parameter.words,
        "schema": schema,
    })
}

/// What else can be asked with what an answer says.
fn link(link: &Link) -> (String, Value) {
    let parameters: Map<String, Value> = link
        .parameters
        .iter()
        .map(|(name, place)| ((*name).to_owned(), format!("$response.body#{place}").into()))
        .collect();
    (link.operation.to_owned(), json!({ "operationId": link.operation, "parameters": parameters }))
}

/// `GET /upstreams/{upstream}` is `getUpstreamsUpstream`.
fn operation_id(route: &Route) -> String {
    let words = route.path.split(['/', '{', '}', '.']).filter(|word| !word.is_empty());
    let capital = |word: &str| word[..1].to_ascii_uppercase() + &word[1..];
    let method =
        if route.method == Method::GET { "get".to_owned() } else { route.method.as_str().to_ascii_lowercase() };
    method + &words.map(capital).collect::<String>()
}
