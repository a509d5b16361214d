//! TLS: who has which certificate, and how a fleet comes back.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use playhouse_broker::tls::{ClientCertificate, server_config};
use playhouse_broker::{Broker, Limits, certificate};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, HandshakeKind, RootCertStore};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_rustls::TlsConnector;

use crate::strangers::{Rules, listener, soon};

#[path = "../../examples/broker/authority.rs"]
mod authority;

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}

fn client(folder: &Path, name: Option<&str>) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_file(folder.join("authority.pem")).expect("is there"))
        .expect("is one");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots);
    Arc::new(match name {
        Some(name) => {
            let certificate =
                CertificateDer::from_pem_file(folder.join(format!("{name}.pem"))).expect("is there");
            let key = PrivateKeyDer::from_pem_file(folder.join(format!("{name}.key"))).expect("is there");
            builder.with_client_auth_cert(vec![certificate], key).expect("they belong together")
        }
        None => builder.with_no_client_auth(),
    })
}

/// What a client is answered to its CONNECT, and how its handshake went.
async fn knock(port: u16, config: &Arc<ClientConfig>) -> std::io::Result<(Vec<u8>, Option<HandshakeKind>)> {
    let stream = TcpStream::connect(("127.0.0.1", port)).await?;
    let name = ServerName::try_from("localhost").expect("is a name");
    let mut stream = TlsConnector::from(Arc::clone(config)).connect(name, stream).await?;
    stream.write_all(&[0x10, 13, 0, 4, b'M', b'Q', b'T', b'T', 4, 2, 0, 60, 0, 1, b'x']).await?;
    let mut answer = vec![0; 4];
    stream.read_exact(&mut answer).await?;
    let kind = stream.get_ref().1.handshake_kind();
    stream.write_all(&[0xe0, 0]).await?;
    stream.shutdown().await?;
    Ok((answer, kind))
}

async fn open(
    folder: &Path,
    clients: ClientCertificate,
) -> (Broker, u16, watch::Sender<Arc<rustls::ServerConfig>>) {
    let made = authority::make(folder).expect("certificates can be made");
    let config =
        server_config(&[made.authority], vec![made.certificate], made.key, clients).expect("is valid");
    let (sender, configs) = watch::channel(config);
    let broker = Broker::new(Arc::new(Rules::default()), Limits::default());
    let (listener, port) = listener().await;
    let serving = broker.clone();
    tokio::spawn(async move { serving.serve_tls(listener, configs).await });
    (broker, port, sender)
}

const WELCOME: [u8; 4] = [0x20, 2, 0, 0];

#[tokio::test(flavor = "multi_thread")]
async fn only_who_has_a_certificate_of_the_house_comes_in() {
    let folder = folder("certificates");
    let (broker, port, _config) = open(&folder, ClientCertificate::Required).await;
    let mut feed = broker.connected();
    let (answer, _) = soon(knock(port, &client(&folder, Some("sensor-1")))).await.expect("is let in");
    assert_eq!(answer, WELCOME);
    assert_eq!(soon(feed.recv()).await.identity().name(), "sensor-1", "its certificate says who it is");
    for stranger in [None, Some("foreign"), Some("expired")] {
        let answer = soon(knock(port, &client(&folder, stranger))).await;
        assert!(answer.is_err(), "{stranger:?}: {answer:?}");
    }
    let mut plain = TcpStream::connect(("127.0.0.1", port)).await.expect("somebody listens");
    plain.write_all(b"\x10\x0d\x00\x04MQTT\x04\x02\x00\x3c\x00\x01x").await.expect("is read");
    let mut answer = Vec::new();
    drop(soon(plain.read_to_end(&mut answer)).await);
    assert!(!answer.starts_with(&[0x20]), "no MQTT without TLS: {answer:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_back_needs_no_whole_handshake_until_the_authority_changes() {
    let folder = folder("tickets");
    let (broker, port, configs) = open(&folder, ClientCertificate::Optional).await;
    let mut feed = broker.connected();
    let device = client(&folder, Some("sensor-1"));
    let (_, first) = soon(knock(port, &device)).await.expect("is let in");
    let (answer, second) = soon(knock(port, &device)).await.expect("is let in");
    assert_eq!((first, second), (Some(HandshakeKind::Full), Some(HandshakeKind::Resumed)));
    assert_eq!(answer, WELCOME);
    assert_eq!(soon(feed.recv()).await.identity().name(), "sensor-1", "it is known without showing it again");
    let (answer, _) = soon(knock(port, &client(&folder, None))).await.expect("is let in");
    assert_eq!(answer, WELCOME, "a certificate is optional here");
    let other = authority::make(&folder.join("other")).expect("certificates can be made");
    let config =
        server_config(&[other.authority], vec![other.certificate], other.key, ClientCertificate::Required);
    configs.send(config.expect("is valid")).expect("the broker is there");
    assert!(soon(knock(port, &device)).await.is_err(), "an old ticket opens nothing");
    let newer = client(&folder.join("other"), Some("sensor-1"));
    assert_eq!(soon(knock(port, &newer)).await.expect("is let in").0, WELCOME);
}

#[test]
fn a_certificate_says_name_number_and_end() {
    let folder = folder("fields");
    authority::make(&folder).expect("certificates can be made");
    let der = CertificateDer::from_pem_file(folder.join("sensor-1.pem")).expect("is there");
    let peer = certificate::read(&der).expect("is one");
    assert_eq!((peer.name.as_str(), peer.expires), ("sensor-1", 4_102_444_800));
    assert!(!peer.serial.is_empty() && !peer.serial.starts_with("00"));
    let der = CertificateDer::from_pem_file(folder.join("expired.pem")).expect("is there");
    assert_eq!(certificate::read(&der).expect("is one").expires, 1_577_836_800);
    for end in 0..der.len() {
        assert_eq!(certificate::read(&der[..end]), None, "cut off after {end} bytes");
    }
}
