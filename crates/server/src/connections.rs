//! Connections of clients: counted, and each knows where it comes from.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::ConnectInfo;
use axum::http::{Request, Response};
use axum::routing::future::RouteFuture;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tower::Service;

/// Connections open at a time; each may cost some 100 KB.
const MOST: usize = 2_048;

/// Makes the service of each connection.
#[derive(Clone, Debug)]
pub(crate) struct Connections {
    router: Router,
    places: Arc<Semaphore>,
}

/// Too many connections are open; this one is closed.
#[derive(Debug, thiserror::Error)]
#[error("{MOST} connections are open, which is as many as the server takes")]
pub(crate) struct TooMany;

impl Connections {
    /// Connections to a router.
    pub(crate) fn new(router: Router) -> Self {
        Self { router, places: Arc::new(Semaphore::new(MOST)) }
    }
}

impl Service<SocketAddr> for Connections {
    type Response = Connection;
    type Error = TooMany;
    type Future = Ready<Result<Connection, TooMany>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), TooMany>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, address: SocketAddr) -> Self::Future {
        let place = self.places.clone().try_acquire_owned();
        ready(match place {
            Ok(place) => Ok(Connection { router: self.router.clone(), address, _place: Arc::new(place) }),
            Err(_) => Err(TooMany),
        })
    }
}

/// The service of one connection.
#[derive(Clone, Debug)]
pub(crate) struct Connection {
    router: Router,
    address: SocketAddr,
    /// Given back when the connection is closed.
    _place: Arc<OwnedSemaphorePermit>,
}

impl<B> Service<Request<B>> for Connection
where
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<axum::BoxError>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = RouteFuture<Infallible>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        request.extensions_mut().insert(ConnectInfo(self.address));
        self.router.call(request)
    }
}
