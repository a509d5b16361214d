//! Uploads of films that go on where they were: tus 1.0.0 with creation and termination (tus.io/protocols).

use axum::Json as Body;
use axum::extract::{Request, State};
use axum::http::header::{ALLOW, LOCATION};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use playhouse_watch::upload;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::me::account;
use crate::app::Shared;
use crate::extract::{Id, media_type};
use crate::gate::who::Caller;
use crate::house::stage::to_its_end;
use crate::house::uploads::Upload;
use crate::problem::{Answer, Problem};

const RESUMABLE: HeaderName = HeaderName::from_static("tus-resumable");
const VERSIONS: HeaderName = HeaderName::from_static("tus-version");
const EXTENSION: HeaderName = HeaderName::from_static("tus-extension");
const MAX_SIZE: HeaderName = HeaderName::from_static("tus-max-size");
const LENGTH: HeaderName = HeaderName::from_static("upload-length");
const OFFSET: HeaderName = HeaderName::from_static("upload-offset");
const METADATA: HeaderName = HeaderName::from_static("upload-metadata");
const VERSION: HeaderValue = HeaderValue::from_static("1.0.0");
const BYTES: &str = "application/offset+octet-stream";

/// How far an upload came.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UploadView {
    #[schema(example = "The General (1926).mp4")]
    name: String,
    offset: u64,
    length: u64,
}

/// Every answer of the protocol says which version it speaks.
fn spoken(answer: Answer<Response>) -> Response {
    let mut response = answer.unwrap_or_else(IntoResponse::into_response);
    response.headers_mut().insert(RESUMABLE, VERSION);
    response
}

/// Refuses other versions of the protocol.
fn version(headers: &HeaderMap) -> Answer<()> {
    if headers.get(RESUMABLE) == Some(&VERSION) {
        return Ok(());
    }
    let detail = "Uploads speak tus 1.0.0: set the header `Tus-Resumable: 1.0.0`.";
    let problem = Problem::new(StatusCode::PRECONDITION_FAILED, "tus-version", "Another version", detail);
    Err(problem.header(VERSIONS, VERSION))
}

fn number(headers: &HeaderMap, name: &HeaderName) -> Answer<u64> {
    let value = headers.get(name).and_then(|value| value.to_str().ok());
    value.and_then(|value| value.parse().ok()).ok_or_else(|| {
        Problem::invalid(
            name.as_str(),
            format!("The header `{name}` has to be a number of bytes, from 0 on."),
        )
    })
}

/// The name that the client gave the file.
fn file_name(headers: &HeaderMap) -> Answer<String> {
    let metadata = headers.get(METADATA).and_then(|value| value.to_str().ok()).unwrap_or_default();
    upload::file_name(metadata).ok_or_else(|| {
        let detail = "The header `Upload-Metadata` has to name a film: `filename` and, in base 64, a name that ends as \
                      films do, such as `Film.mp4`.";
        Problem::invalid("upload-metadata", detail)
    })
}

/// Runs what waits for the disk.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Answer<T> + Send + 'static) -> Answer<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| Problem::internal("Keeping the upload", &error))?
}

/// What uploads can do here.
#[utoipa::path(options, path = "/api/uploads", tag = "Uploads", responses((status = 204)))]
pub(crate) async fn options(State(app): State<Shared>) -> Response {
    let headers = [
        (VERSIONS, VERSION),
        (EXTENSION, HeaderValue::from_static("creation,termination")),
        (MAX_SIZE, HeaderValue::from(app.uploads.limit())),
        (ALLOW, HeaderValue::from_static("OPTIONS, POST")),
    ];
    spoken(Ok((StatusCode::NO_CONTENT, headers).into_response()))
}

/// Begins an upload of a film: `Upload-Length` says how long it is, `filename` in `Upload-Metadata` (base 64) what it is
/// called. Location is where its bytes go.
#[utoipa::path(post, path = "/api/uploads", tag = "Uploads",
    params(("Upload-Length" = u64, Header), ("Upload-Metadata" = String, Header), ("Tus-Resumable" = String, Header)),
    responses((status = 201), (status = 412), (status = 413), (status = 422), (status = 507)))]
pub(crate) async fn create(State(app): State<Shared>, caller: Caller, headers: HeaderMap) -> Response {
    let begin = async {
        version(&headers)?;
        let length = number(&headers, &LENGTH)?;
        if length == 0 {
            return Err(Problem::invalid("upload-length", "A film of no bytes is none; say how long it is."));
        }
        let upload = Upload { name: file_name(&headers)?, length, account: account(&caller)?.id.clone() };
        let id = blocking(move || app.uploads.create(&upload)).await?;
        Ok((StatusCode::CREATED, [(LOCATION, format!("/api/uploads/{id}"))]).into_response())
    };
    spoken(begin.await)
}

/// How far an upload came, as `Upload-Offset` and `Upload-Length` too: go on from there. Without progress it is kept for
/// a day.
#[utoipa::path(get, path = "/api/uploads/{id}", tag = "Uploads", params(("id" = String, Path)),
    responses((status = 200, body = UploadView), (status = 404), (status = 412)))]
pub(crate) async fn get(
    State(app): State<Shared>,
    caller: Caller,
    Id(id): Id<String>,
    method: Method,
    headers: HeaderMap,
) -> Response {
    let look = async {
        if method == Method::HEAD {
            version(&headers)?;
        }
        let account = account(&caller)?.id.clone();
        let at = app.clone();
        let (upload, offset, arrived) = blocking(move || {
            let upload = at.uploads.get(&id, &account)?;
            let offset = at.uploads.offset(&id, &upload)?;
            let arrived = at.uploads.finish(&id, &upload)?;
            Ok((upload, offset, arrived))
        })
        .await?;
        if let Some(film) = arrived {
            app.films.arrived(&film.folder, &film.path, film.stamp);
        }
        let headers = [(OFFSET, HeaderValue::from(offset)), (LENGTH, HeaderValue::from(upload.length))];
        Ok((headers, Body(UploadView { name: upload.name, offset, length: upload.length })).into_response())
    };
    spoken(look.await)
}

/// The next bytes of an upload, from `Upload-Offset` on. What the answer acknowledges is on the disk. With the last byte
/// the film goes to its folder and is in the library at once.
#[utoipa::path(patch, path = "/api/uploads/{id}", tag = "Uploads",
    params(("id" = String, Path), ("Upload-Offset" = u64, Header), ("Tus-Resumable" = String, Header)),
    request_body(content = String, content_type = "application/offset+octet-stream", description = "The bytes."),
    responses((status = 204), (status = 404), (status = 409, description = "The upload stands elsewhere; offset says where."),
              (status = 412), (status = 413), (status = 415), (status = 423), (status = 507)))]
pub(crate) async fn append(
    State(app): State<Shared>,
    caller: Caller,
    Id(id): Id<String>,
    request: Request,
) -> Response {
    // A client that goes away in the middle is no reason to forget what came.
    let work = to_its_end(async move {
        version(request.headers())?;
        if media_type(request.headers()) != BYTES {
            return Err(Problem::wrong_type(BYTES));
        }
        let offset = number(request.headers(), &OFFSET)?;
        let account = account(&caller)?.id.clone();
        let (at, of) = (app.clone(), id.clone());
        let upload = blocking(move || at.uploads.get(&of, &account)).await?;
        let bytes = request.into_body().into_data_stream();
        let offset = app.uploads.append(&id, &upload, offset, bytes).await?;
        if offset >= upload.length {
            let at = app.clone();
            if let Some(film) = blocking(move || at.uploads.finish(&id, &upload)).await? {
                app.films.arrived(&film.folder, &film.path, film.stamp);
            }
        }
        Ok((StatusCode::NO_CONTENT, [(OFFSET, HeaderValue::from(offset))]).into_response())
    });
    spoken(work.await)
}

/// Ends an upload and forgets what came of it. A film that is finished stays.
#[utoipa::path(delete, path = "/api/uploads/{id}", tag = "Uploads",
    params(("id" = String, Path), ("Tus-Resumable" = String, Header)),
    responses((status = 204), (status = 404), (status = 412), (status = 423)))]
pub(crate) async fn remove(
    State(app): State<Shared>,
    caller: Caller,
    Id(id): Id<String>,
    headers: HeaderMap,
) -> Response {
    let work = to_its_end(async move {
        version(&headers)?;
        let account = account(&caller)?.id.clone();
        let (at, of) = (app.clone(), id.clone());
        blocking(move || at.uploads.get(&of, &account)).await?;
        app.uploads.remove(&id).await?;
        Ok(StatusCode::NO_CONTENT.into_response())
    });
    spoken(work.await)
}
