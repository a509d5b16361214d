//! A client that costs next to nothing, so that what is measured is the broker.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::Failure;

/// Messages of QoS 1 that are sent before the first of them has to be acknowledged.
const WINDOW: usize = 100;

/// How a connection is secured.
#[derive(Clone)]
pub(crate) enum Security {
    None,
    Certificate(Arc<ClientConfig>),
}

impl Security {
    pub(crate) fn certificate(folder: &Path, name: &str) -> Result<Security, Failure> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(folder.join("authority.pem"))?)?;
        let certificate = CertificateDer::from_pem_file(folder.join(format!("{name}.pem")))?;
        let key = PrivateKeyDer::from_pem_file(folder.join(format!("{name}.key")))?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .with_root_certificates(roots)
            .with_client_auth_cert(vec![certificate], key)?;
        // All share these few tickets: nearly every handshake of the crowd is a whole one.
        config.resumption = rustls::client::Resumption::in_memory_sessions(8);
        Ok(Security::Certificate(Arc::new(config)))
    }
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// A connection by MQTT 3.1.1.
pub(crate) struct Client {
    stream: Box<dyn Stream>,
    bytes: Vec<u8>,
    at: usize,
}

impl Client {
    pub(crate) async fn connect(port: u16, security: &Security, name: &str) -> Result<Client, Failure> {
        let stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.set_nodelay(true)?;
        let stream: Box<dyn Stream> = match security {
            Security::None => Box::new(stream),
            Security::Certificate(config) => {
                let connector = TlsConnector::from(Arc::clone(config));
                Box::new(connector.connect(ServerName::try_from("localhost")?, stream).await?)
            }
        };
        let mut client = Client { stream, bytes: Vec::new(), at: 0 };
        let mut packet = vec![0x10, u8::try_from(12 + name.len())?, 0, 4];
        packet.extend_from_slice(b"MQTT\x04\x02\x00\x00\x00");
        packet.push(u8::try_from(name.len())?);
        packet.extend_from_slice(name.as_bytes());
        client.stream.write_all(&packet).await?;
        client.expect(0x20).await?;
        Ok(client)
    }

    pub(crate) async fn subscribe(&mut self, filter: &str, qos: u8) -> Result<(), Failure> {
        let length = u8::try_from(filter.len())?;
        let mut packet = vec![0x82, length + 5, 0, 1, 0, length];
        packet.extend_from_slice(filter.as_bytes());
        packet.push(qos);
        self.stream.write_all(&packet).await?;
        self.expect(0x90).await
    }

    pub(crate) async fn publish(
        &mut self,
        topic: &str,
        payload: &[u8],
        qos: u8,
        id: u16,
    ) -> Result<(), Failure> {
        let packet = publish(topic, payload, qos, id);
        self.stream.write_all(&packet).await?;
        Ok(())
    }

    /// Publishes as fast as the broker takes it.
    pub(crate) async fn flood(
        &mut self,
        topic: &str,
        payload: &[u8],
        qos: u8,
        count: usize,
    ) -> Result<(), Failure> {
        let packet = publish(topic, payload, qos, 1);
        for sent in (0..count).step_by(WINDOW) {
            let now = WINDOW.min(count - sent);
            self.stream.write_all(&packet.repeat(now)).await?;
            for _ in 0..if qos > 0 { now } else { 0 } {
                self.expect(0x40).await?;
            }
        }
        // All of it is taken once this is answered.
        self.stream.write_all(&[0xc0, 0]).await?;
        self.expect(0xd0).await
    }

    /// Waits for a message, and acknowledges it.
    pub(crate) async fn message(&mut self) -> Result<(), Failure> {
        let first = self.packet().await?;
        if first & 0x06 != 0 {
            let topic = usize::from(u16::from_be_bytes([self.bytes[self.at], self.bytes[self.at + 1]]));
            let id = self.at + 2 + topic;
            let ack = [0x40, 2, self.bytes[id], self.bytes[id + 1]];
            self.stream.write_all(&ack).await?;
        }
        if first & 0xf0 == 0x30 {
            Ok(())
        } else {
            Err(format!("packet {first:x} instead of a message").into())
        }
    }

    async fn expect(&mut self, wanted: u8) -> Result<(), Failure> {
        let first = self.packet().await?;
        if first == wanted { Ok(()) } else { Err(format!("packet {first:x} instead of {wanted:x}").into()) }
    }

    /// The first byte of the next packet, whose body then begins at `at`.
    async fn packet(&mut self) -> Result<u8, Failure> {
        // The packet before is still in front.
        loop {
            if let Some((body, end)) = whole(&self.bytes) {
                let first = self.bytes[0];
                if self.at == 0 {
                    self.at = body;
                    return Ok(first);
                }
                self.bytes.drain(..end);
                self.at = 0;
                continue;
            }
            if self.stream.read_buf(&mut self.bytes).await? == 0 {
                return Err("the broker closed the connection".into());
            }
        }
    }
}

fn publish(topic: &str, payload: &[u8], qos: u8, id: u16) -> Vec<u8> {
    let mut body = vec![0];
    body.push(u8::try_from(topic.len()).unwrap_or(0));
    body.extend_from_slice(topic.as_bytes());
    if qos > 0 {
        body.extend_from_slice(&id.to_be_bytes());
    }
    body.extend_from_slice(payload);
    let low = u8::try_from(body.len() % 128).unwrap_or(0);
    let high = u8::try_from(body.len() / 128).unwrap_or(0);
    let mut packet = vec![0x30 | qos << 1, low | 0x80, high];
    packet.extend(body);
    packet
}

/// Where the body of a packet in front begins and ends, if all of it is there.
fn whole(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut length = 0;
    for (at, &byte) in bytes.get(1..)?.iter().enumerate() {
        length |= usize::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            let body = at + 2;
            return (bytes.len() >= body + length).then_some((body, body + length));
        }
    }
    None
}
