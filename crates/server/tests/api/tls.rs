//! TLS with our own certificate.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::house::House;
use crate::http::parse;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_browser_that_trusts_the_certificate_gets_secure_cookies() {
    let house = House::with(2, |config| config.tls = true).await;
    let code = playhouse_server::first_code(&house.store).await.unwrap();
    let address = house.nobody.address;
    let file = house.folder.path().join("data/tls/cert.pem");
    let reply = tokio::task::spawn_blocking(move || {
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
        while !file.exists() {
            assert!(std::time::Instant::now() < deadline, "there is no certificate");
            std::thread::yield_now();
        }
        let mut roots = RootCertStore::empty();
        // The file may be there before its last byte is.
        let certificate = loop {
            match CertificateDer::from_pem_slice(&fs::read(&file).unwrap()) {
                Ok(certificate) => break certificate,
                Err(error) => assert!(std::time::Instant::now() < deadline, "{error}"),
            }
        };
        roots.add(certificate).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from("localhost").unwrap();
        let connection = ClientConnection::new(Arc::new(config), name).unwrap();
        let mut stream = StreamOwned::new(connection, TcpStream::connect(address).unwrap());
        let body = format!("{{\"code\":\"{code}\"}}");
        let head = format!(
            "POST /api/sign-in/code HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = Vec::new();
        drop(stream.read_to_end(&mut answer));
        parse(&answer)
    })
    .await
    .unwrap();
    let reply = reply.expect(200);
    assert!(reply.header("set-cookie").unwrap().contains("; Secure"));
}
