//! All routes in one list, each held against the table of rules before anything starts.

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::trace::TraceLayer;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::api::{
    accounts, air, broadcast, channels, clips, docs, events, exports, films, guide, invites, keeping, keys,
    links, live, me, on, parties, plans, plays, profiles, queue, recorded, recordings, relay, renderings,
    search, seats, sensors, sessions, sign_in, sources, start, streams, system, titles, uploads, watching,
    whep,
};
use crate::app::Shared;
use crate::gate::headers::Headers;
use crate::gate::limits::{Outer, around};
use crate::gate::permission::gate;
use crate::gate::rules::RULES;
use crate::pages;
use crate::problem::Problem;
use crate::serve::ServeError;

#[derive(OpenApi)]
#[openapi(info(
    title = "Playhouse",
    description = "Every action of the pages is one of these calls. Times are unix milliseconds. Sign in once with \
                   `\"token\": true` and send the token as `Authorization: Bearer`, or keep the cookie. Errors are \
                   problem+json (RFC 9457), whose `detail` is a sentence.",
    license(name = "Apache-2.0", identifier = "Apache-2.0")
))]
struct Description;

/// All routes with their description.
pub(crate) fn described() -> OpenApiRouter<Shared> {
    [people, watch, tune, on_air, play, sense, house]
        .into_iter()
        .fold(OpenApiRouter::with_openapi(Description::openapi()), |router, part| part(router))
}

/// Who is there: accounts, their devices, profiles, and what they may watch at a time.
fn people(router: OpenApiRouter<Shared>) -> OpenApiRouter<Shared> {
    router
        .routes(routes!(sign_in::with_code))
        .routes(routes!(sign_in::with_password))
        .routes(routes!(sign_in::out))
        .routes(routes!(me::get, me::change))
        .routes(routes!(me::devices))
        .routes(routes!(me::name_device, me::end_device))
        .routes(routes!(profiles::list, profiles::create))
        .routes(routes!(profiles::change, profiles::remove))
        .routes(routes!(profiles::open))
        .routes(routes!(streams::list, streams::take))
        .routes(routes!(streams::renew, streams::end))
        .routes(routes!(accounts::list, accounts::create))
        .routes(routes!(accounts::change, accounts::remove))
        .routes(routes!(accounts::link))
        .routes(routes!(plans::list, plans::create))
        .routes(routes!(plans::change, plans::remove))
}

/// Films, and what is around them: links, search, parties, uploads.
fn watch(router: OpenApiRouter<Shared>) -> OpenApiRouter<Shared> {
    router
        .routes(routes!(films::list))
        .routes(routes!(films::rescan))
        .routes(routes!(films::get, films::change, films::remove))
        .routes(routes!(films::set_position))
        .routes(routes!(films::poster))
        .routes(routes!(renderings::list))
        .routes(routes!(renderings::ask, renderings::cancel))
        .routes(routes!(watching::sprites))
        .routes(routes!(watching::pictures))
        .routes(routes!(watching::master))
        .routes(routes!(watching::manifest))
        .routes(routes!(watching::playlist))
        .routes(routes!(watching::segment))
        .routes(routes!(watching::file))
        .routes(routes!(start::start))
        .routes(routes!(links::of_film))
        .routes(routes!(links::film_list))
        .routes(routes!(links::of_channel))
        .routes(routes!(links::channel_list))
        .routes(routes!(search::find))
        .routes(routes!(parties::create))
        .routes(routes!(parties::get, parties::change, parties::end))
        .routes(routes!(parties::invite))
        .routes(routes!(parties::live))
        .routes(routes!(uploads::options, uploads::create))
        .routes(routes!(uploads::get, uploads::append, uploads::remove))
}

/// Channels with their publishers, the guide, and recordings.
fn tune(router: OpenApiRouter<Shared>) -> OpenApiRouter<Shared> {
    router
        .routes(routes!(channels::list, channels::create))
        .routes(routes!(channels::get, channels::change, channels::remove))
        .routes(routes!(channels::drawn_cover))
        .routes(routes!(keys::list, keys::create))
        .routes(routes!(keys::revoke))
        .routes(routes!(keeping::keep))
        .routes(routes!(live::master))
        .routes(routes!(live::manifest))
        .routes(routes!(live::playlist))
        .routes(routes!(live::segment))
        .routes(routes!(guide::get))
        .routes(routes!(guide::create))
        .routes(routes!(guide::preview))
        .routes(routes!(guide::schedule, guide::set_schedule))
        .routes(routes!(exports::playlist))
        .routes(routes!(exports::guide))
        .routes(routes!(exports::tokens, exports::create_token))
        .routes(routes!(exports::delete_token))
        .routes(routes!(sources::list, sources::create))
        .routes(routes!(sources::remove))
        .routes(routes!(sources::refresh))
        .routes(routes!(sources::upload))
        .routes(routes!(recordings::list, recordings::create))
        .routes(routes!(recordings::create_rule))
        .routes(routes!(recordings::remove_rule))
        .routes(routes!(recordings::change, recordings::remove))
        .routes(routes!(on::now_on))
        .routes(routes!(on::master))
        .routes(routes!(on::playlist))
        .routes(routes!(on::segment))
        .routes(routes!(broadcast::watch_options, broadcast::watch))
        .routes(routes!(broadcast::watch_peer_options, broadcast::watch_trickle, broadcast::watch_close))
        .routes(routes!(broadcast::publish_options, broadcast::publish))
        .routes(routes!(
            broadcast::publish_peer_options,
            broadcast::publish_trickle,
            broadcast::publish_close
        ))
}

/// Titles, and the sessions in which they are played.
fn play(router: OpenApiRouter<Shared>) -> OpenApiRouter<Shared> {
    router
        .routes(routes!(titles::list))
        .routes(routes!(titles::rescan))
        .routes(routes!(titles::get, titles::change))
        .routes(routes!(titles::own_cover))
        .routes(routes!(titles::drawn_cover))
        .routes(routes!(sessions::list, sessions::create))
        .routes(routes!(sessions::get, sessions::end))
        .routes(routes!(sessions::stats))
        .routes(routes!(queue::get, queue::leave))
        .routes(routes!(plays::list))
        .routes(routes!(whep::options, whep::offer))
        .routes(routes!(whep::peer_options, whep::trickle, whep::close))
        .routes(routes!(seats::list))
        .routes(routes!(seats::take_back))
        .routes(routes!(seats::give_to_sensor))
        .routes(routes!(invites::list, invites::create))
        .routes(routes!(invites::revoke))
        .routes(routes!(invites::look, invites::accept))
        .routes(routes!(clips::create))
        .routes(routes!(clips::list))
        .routes(routes!(clips::get, clips::remove))
}

/// Sensors, and what they saw.
fn sense(router: OpenApiRouter<Shared>) -> OpenApiRouter<Shared> {
    router
        .routes(routes!(sensors::list::list, sensors::create))
        .routes(routes!(sensors::list::map))
        .routes(routes!(sensors::get, sensors::change, sensors::remove))
        .routes(routes!(sensors::revoke))
        .routes(routes!(sensors::enrol::code))
        .routes(routes!(sensors::enrol::fleet))
        .routes(routes!(sensors::enrol::enrol))
        .routes(routes!(sensors::twin::change))
        .routes(routes!(sensors::live::live))
        .routes(routes!(sensors::asks::list))
        .routes(routes!(sensors::seen::events))
        .routes(routes!(sensors::export::csv))
        .routes(routes!(sensors::export::parquet))
        .routes(routes!(sensors::figures::counts))
        .routes(routes!(sensors::figures::heat))
        .routes(routes!(sensors::files::list, sensors::files::create))
        .routes(routes!(sensors::files::change, sensors::files::remove))
        .routes(routes!(sensors::rollouts::list, sensors::rollouts::create))
        .routes(routes!(sensors::rollouts::advance_now))
        .routes(routes!(sensors::rollouts::take_back_now))
        .routes(routes!(sensors::rules::list, sensors::rules::create))
        .routes(routes!(sensors::rules::change, sensors::rules::remove))
        .routes(routes!(sensors::rules::try_out))
        .routes(routes!(sensors::rules::calls))
        .routes(routes!(sensors::rules::notices))
}

/// The house itself.
fn house(router: OpenApiRouter<Shared>) -> OpenApiRouter<Shared> {
    router
        .routes(routes!(events::stream))
        .routes(routes!(system::health))
        .routes(routes!(system::system))
        .routes(routes!(system::metrics))
        .routes(routes!(docs::page))
        .routes(routes!(docs::json))
}

/// What is on the air beyond the channels themselves: their lower qualities, sessions, recordings in the making, channels
/// of others.
fn on_air(router: OpenApiRouter<Shared>) -> OpenApiRouter<Shared> {
    router
        .routes(routes!(live::rendition_playlist))
        .routes(routes!(live::rendition_segment))
        .routes(routes!(air::begin, air::end))
        .routes(routes!(clips::to_film))
        .routes(routes!(recorded::master))
        .routes(routes!(recorded::playlist))
        .routes(routes!(recorded::segment))
        .routes(routes!(relay::master))
        .routes(routes!(relay::playlist))
        .routes(routes!(relay::segment))
}

/// The methods and paths of a description.
fn operations(description: &serde_json::Value) -> Vec<(String, String)> {
    let paths = description["paths"].as_object().into_iter().flatten();
    let of_path = |(path, item): (&String, &serde_json::Value)| {
        let methods = item.as_object().into_iter().flatten();
        methods.map(|(method, _)| (method.to_uppercase(), path.clone())).collect::<Vec<_>>()
    };
    paths.flat_map(of_path).collect()
}

/// Finds a route without a rule, or a rule without a route.
pub(crate) fn check(description: &serde_json::Value) -> Result<(), ServeError> {
    let routes = operations(description);
    let has_rule = |(method, path): &(String, String)| {
        RULES.iter().any(|(rule, of, _)| rule.as_str() == method && of == path)
    };
    if let Some((method, path)) = routes.iter().find(|route| !has_rule(route)) {
        return Err(ServeError::NoRule { route: format!("{method} {path}") });
    }
    let has_route = |(method, path): (&str, &str)| routes.iter().any(|(m, p)| m == method && p == path);
    match RULES.iter().find(|(method, path, _)| !has_route((method.as_str(), path))) {
        Some((method, path, _)) => Err(ServeError::NoRoute { rule: format!("{method} {path}") }),
        None => Ok(()),
    }
}

/// Says so where an address takes other methods.
async fn wrong_method(request: Request) -> Response {
    let detail = format!("This address does not take {}; /api lists what it takes.", request.method());
    let status = axum::http::StatusCode::METHOD_NOT_ALLOWED;
    Problem::new(status, "method", "Wrong method", detail).into_response()
}

fn panicked(_: Box<dyn std::any::Any + Send + 'static>) -> Response {
    Problem::internal("The request", &"a panic").into_response()
}

/// The whole service.
///
/// # Errors
/// [`ServeError::NoRule`] and [`ServeError::NoRoute`].
pub(crate) fn service(app: &Shared) -> Result<Router, ServeError> {
    let (router, description) = described().split_for_parts();
    let description =
        serde_json::to_value(description).map_err(|error| ServeError::Described(error.to_string()))?;
    check(&description)?;
    let description = Arc::new(docs::Description::new(&description));
    let outer = Outer { app: app.clone(), headers: Headers::new(&app.config) };
    Ok(router
        .route_layer(from_fn_with_state(app.clone(), gate))
        .method_not_allowed_fallback(wrong_method)
        .with_state(app.clone())
        .fallback_service(pages::service())
        .layer(axum::Extension(description))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn_with_state(outer, around))
        .layer(TraceLayer::new_for_http())
        .layer(from_fn(no_dots)))
}

/// Refuses paths that try to climb, before anything looks at them: none of our addresses has such a part.
async fn no_dots(request: Request, next: axum::middleware::Next) -> Response {
    let path = request.uri().path();
    let climbs = path.split('/').any(|part| {
        let part = part.replace("%2e", ".").replace("%2E", ".").to_ascii_lowercase();
        part == ".." || part == "." || part.contains("%2f") || part.contains("%5c") || part.contains('\\')
    });
    if climbs || path.contains('\0') || path.contains("%00") {
        return Problem::not_found("There is nothing at this address.").into_response();
    }
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_without_a_rule_does_not_start() {
        let mut description = serde_json::to_value(crate::description()).unwrap();
        assert!(check(&description).is_ok());
        description["paths"]["/api/secret"] = serde_json::json!({"get": {}});
        let error = check(&description).unwrap_err();
        assert!(error.to_string().contains("GET /api/secret"), "{error}");
    }

    #[test]
    fn a_rule_without_a_route_does_not_start() {
        let mut description = serde_json::to_value(crate::description()).unwrap();
        description["paths"].as_object_mut().unwrap().remove("/metrics");
        let error = check(&description).unwrap_err();
        assert!(error.to_string().contains("GET /metrics"), "{error}");
    }

    #[test]
    fn no_route_is_allowed_twice() {
        for (index, (method, path, _)) in RULES.iter().enumerate() {
            let twice = RULES[index + 1..].iter().any(|(m, p, _)| m == method && p == path);
            assert!(!twice, "{method} {path}");
        }
    }
}
