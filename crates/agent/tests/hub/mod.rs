//! A hub for tests: an authority, enrolment, and enough of an MQTT broker to write down every byte that a sensor says.

#![allow(clippy::unwrap_used, reason = "parts of tests, in which a panic is the finding")]
#![allow(dead_code, reason = "each test uses some of it")]

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use playhouse_sense::enrolment::{Desired, Enrol, Enrolled, HUB_NAME, Health, Reported};
use playhouse_sense::observation::{Batch, Event};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, DnType, ExtendedKeyUsagePurpose,
    IsCa, Issuer, KeyPair,
};
use rustls::pki_types::PrivateKeyDer;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::{Notify, broadcast};
use tokio_rustls::TlsAcceptor;

pub(crate) const DEADLINE: Duration = Duration::from_mins(1);

/// The code that the hub takes, as often as it is given.
pub(crate) const CODE: &str = "ABCD-EFGH";

pub(crate) struct Hub {
    pub(crate) http: SocketAddr,
    inside: Arc<Inside>,
}

struct Inside {
    issuer: Issuer<'static, KeyPair>,
    authority: String,
    mqtt: Mutex<SocketAddr>,
    https: Mutex<SocketAddr>,
    lifetime: Mutex<Duration>,
    enrolled: AtomicU64,
    renewed: AtomicU64,
    connections: AtomicU64,
    revoked: AtomicBool,
    /// Whether it says what it has taken.
    answers: AtomicBool,
    /// Whether anybody gets in.
    open: AtomicBool,
    cut: Notify,
    heard: Mutex<Vec<(String, Vec<u8>)>>,
    retained: Mutex<HashMap<String, Vec<u8>>>,
    say: broadcast::Sender<(String, Vec<u8>)>,
    models: Mutex<HashMap<String, Vec<u8>>>,
    requests: Mutex<Vec<String>>,
}

fn named(name: &str, usage: ExtendedKeyUsagePurpose) -> CertificateParams {
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.extended_key_usages = vec![usage];
    params
}

impl Hub {
    pub(crate) async fn start() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = params.self_signed(&key).unwrap();
        let issuer = Issuer::new(params, key);
        let own = KeyPair::generate().unwrap();
        let certificate =
            named(HUB_NAME, ExtendedKeyUsagePurpose::ServerAuth).signed_by(&own, &issuer).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(authority.der().clone()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone()).build().unwrap();
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_client_cert_verifier(verifier)
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivateKeyDer::try_from(own.serialize_der()).unwrap(),
            )
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let bind = async || TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (http, mqtt, https) = (bind().await, bind().await, bind().await);
        let inside = Arc::new(Inside {
            issuer,
            authority: authority.pem(),
            mqtt: Mutex::new(mqtt.local_addr().unwrap()),
            https: Mutex::new(https.local_addr().unwrap()),
            lifetime: Mutex::new(Duration::from_hours(24)),
            enrolled: AtomicU64::new(0),
            renewed: AtomicU64::new(0),
            connections: AtomicU64::new(0),
            revoked: AtomicBool::new(false),
            answers: AtomicBool::new(true),
            open: AtomicBool::new(true),
            cut: Notify::new(),
            heard: Mutex::default(),
            retained: Mutex::default(),
            say: broadcast::channel(64).0,
            models: Mutex::default(),
            requests: Mutex::default(),
        });
        let hub = Self { http: http.local_addr().unwrap(), inside: Arc::clone(&inside) };
        let with = Arc::clone(&inside);
        tokio::spawn(async move {
            loop {
                let (stream, _) = http.accept().await.unwrap();
                tokio::spawn(serve_http(Arc::clone(&with), stream, false));
            }
        });
        let (with, tls) = (Arc::clone(&inside), acceptor.clone());
        tokio::spawn(async move {
            loop {
                let (stream, _) = https.accept().await.unwrap();
                let (with, tls) = (Arc::clone(&with), tls.clone());
                tokio::spawn(async move {
                    if let Ok(stream) = tls.accept(stream).await {
                        serve_http(with, stream, true).await;
                    }
                });
            }
        });
        tokio::spawn(async move {
            loop {
                let (stream, _) = mqtt.accept().await.unwrap();
                stream.set_nodelay(true).unwrap();
                if !inside.open.load(Ordering::Relaxed) {
                    continue;
                }
                let (inside, tls) = (Arc::clone(&inside), acceptor.clone());
                tokio::spawn(async move {
                    let Ok(stream) = tls.accept(stream).await else { return };
                    tokio::select! {
                        _ = serve_mqtt(&inside, stream) => {}
                        () = inside.cut.notified() => {}
                    }
                });
            }
        });
        hub
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.http)
    }

    /// The paths that were asked for by HTTP.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.inside.requests.lock().unwrap().clone()
    }

    pub(crate) fn set_lifetime(&self, lifetime: Duration) {
        *self.inside.lifetime.lock().unwrap() = lifetime;
    }

    pub(crate) fn renewed(&self) -> u64 {
        self.inside.renewed.load(Ordering::Relaxed)
    }

    pub(crate) fn connections(&self) -> u64 {
        self.inside.connections.load(Ordering::Relaxed)
    }

    pub(crate) fn revoke(&self) {
        self.inside.revoked.store(true, Ordering::Relaxed);
        self.cut();
    }

    /// Breaks all links.
    pub(crate) fn cut(&self) {
        self.inside.cut.notify_waiters();
    }

    /// Lets nobody in, or everybody again.
    pub(crate) fn open(&self, open: bool) {
        self.inside.open.store(open, Ordering::Relaxed);
        if !open {
            self.cut();
        }
    }

    /// Says what it has taken, or not.
    pub(crate) fn answer(&self, answers: bool) {
        self.inside.answers.store(answers, Ordering::Relaxed);
    }

    pub(crate) fn say(&self, sensor: &str, kind: &str, json: &serde_json::Value) {
        let topic = format!("sense/{sensor}/{kind}");
        self.inside.say.send((topic, json.to_string().into_bytes())).ok();
    }

    /// What the sensor is to do, now and after each time that it connects.
    pub(crate) fn desire(&self, sensor: &str, desired: &Desired) {
        let json = serde_json::to_value(desired).unwrap();
        let topic = format!("sense/{sensor}/desired");
        self.inside.retained.lock().unwrap().insert(topic, json.to_string().into_bytes());
        self.say(sensor, "desired", &json);
    }

    pub(crate) fn add_model(&self, hash: &str, bytes: &[u8]) {
        self.inside.models.lock().unwrap().insert(hash.to_owned(), bytes.to_vec());
    }

    /// Everything that was ever published: topic and payload.
    pub(crate) fn heard(&self) -> Vec<(String, Vec<u8>)> {
        self.inside.heard.lock().unwrap().clone()
    }

    pub(crate) fn of_kind(&self, kind: &str) -> Vec<Vec<u8>> {
        let heard = self.heard();
        heard.into_iter().filter(|(topic, _)| topic.ends_with(kind)).map(|(_, payload)| payload).collect()
    }

    pub(crate) fn reported(&self) -> Option<Reported> {
        self.of_kind("/reported").last().map(|json| serde_json::from_slice(json).unwrap())
    }

    pub(crate) fn health(&self) -> Option<Health> {
        self.of_kind("/health").last().map(|json| serde_json::from_slice(json).unwrap())
    }

    /// Events as the hub's records have them: each once.
    pub(crate) fn events(&self) -> Vec<(u64, Event)> {
        let mut taken: HashMap<u64, u64> = HashMap::new();
        let mut all = Vec::new();
        for batch in self.of_kind("/batch") {
            let batch = Batch::decode(&batch).unwrap();
            let newest = taken.entry(batch.epoch).or_default();
            for event in batch.events {
                if event.seq > *newest {
                    *newest = event.seq;
                    all.push((batch.epoch, event));
                }
            }
        }
        all
    }
}

/// Waits until something is so.
pub(crate) async fn until(what: &str, mut so: impl FnMut() -> bool) {
    let waited = async {
        while !so() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(DEADLINE, waited).await.unwrap_or_else(|_| panic!("{what} within a minute"));
}

impl Inside {
    fn sign(&self, request: &str, sensor: &str) -> String {
        let mut request = CertificateSigningRequestParams::from_pem(request).unwrap();
        let lifetime = *self.lifetime.lock().unwrap();
        let mut params = named(sensor, ExtendedKeyUsagePurpose::ClientAuth);
        let now = SystemTime::now();
        params.not_before = (now - Duration::from_mins(1)).into();
        params.not_after = (now + lifetime).into();
        request.params = params;
        let certificate = request.signed_by(&self.issuer).unwrap();
        let expires = (now + lifetime).duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
        let enrolled = Enrolled {
            sensor: sensor.to_owned(),
            certificate: certificate.pem(),
            authority: self.authority.clone(),
            mqtt: format!(":{}", self.mqtt.lock().unwrap().port()),
            https: self.https.lock().unwrap().to_string(),
            expires,
        };
        serde_json::to_string(&enrolled).unwrap()
    }

    fn answer(&self, path: &str, body: &[u8], secured: bool) -> (u16, Vec<u8>) {
        self.requests.lock().unwrap().push(path.to_owned());
        if path == "/api/sensors/enrol" && !secured {
            let enrol: Enrol = serde_json::from_slice(body).unwrap();
            if enrol.code != CODE {
                let problem =
                    r#"{"title": "Wrong code", "detail": "this code is not known, or was used already"}"#;
                return (422, problem.into());
            }
            let number = self.enrolled.fetch_add(1, Ordering::Relaxed) + 1;
            return (201, self.sign(&enrol.request, &format!("s{number}")).into());
        }
        if path == "/renew" && secured {
            if self.revoked.load(Ordering::Relaxed) {
                return (403, br#"{"detail": "this sensor was revoked"}"#.to_vec());
            }
            let json: serde_json::Value = serde_json::from_slice(body).unwrap();
            self.renewed.fetch_add(1, Ordering::Relaxed);
            return (200, self.sign(json["request"].as_str().unwrap(), "s1").into());
        }
        if path.starts_with("/models/") && path.ends_with("/card") && secured {
            return (200, b"card".to_vec());
        }
        let hash = path.strip_prefix("/models/").or_else(|| path.strip_prefix("/apps/"));
        if let (Some(hash), true) = (hash, secured)
            && let Some(bytes) = self.models.lock().unwrap().get(hash)
        {
            return (200, bytes.clone());
        }
        (404, Vec::new())
    }
}

async fn serve_http(inside: Arc<Inside>, mut stream: impl AsyncRead + AsyncWrite + Unpin, secured: bool) {
    let mut read = Vec::new();
    let (head, length) = loop {
        if stream.read_buf(&mut read).await.unwrap_or(0) == 0 {
            return;
        }
        if let Some(end) = read.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8(read[..end].to_vec()).unwrap().to_ascii_lowercase();
            let length =
                head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
            read.drain(..end + 4);
            break (head, length.unwrap_or(0));
        }
    };
    while read.len() < length {
        if stream.read_buf(&mut read).await.unwrap_or(0) == 0 {
            return;
        }
    }
    let path = head.split_ascii_whitespace().nth(1).unwrap().to_owned();
    let (status, body) = inside.answer(&path, &read, secured);
    let head =
        format!("HTTP/1.1 {status} Said\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
    stream.write_all(head.as_bytes()).await.ok();
    stream.write_all(&body).await.ok();
    stream.shutdown().await.ok();
}

async fn packet(stream: &mut (impl AsyncRead + Unpin)) -> std::io::Result<(u8, Vec<u8>)> {
    let first = stream.read_u8().await?;
    let (mut length, mut shift) = (0_usize, 0);
    loop {
        let byte = stream.read_u8().await?;
        length |= usize::from(byte & 0x7f) << shift;
        shift += 7;
        if byte & 0x80 == 0 {
            break;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    Ok((first, body))
}

fn publish(topic: &str, payload: &[u8]) -> Vec<u8> {
    let mut body = u16::try_from(topic.len()).unwrap().to_be_bytes().to_vec();
    body.extend(topic.as_bytes());
    body.extend([0, 9]);
    body.extend(payload);
    let mut packet = vec![0x32];
    let mut left = body.len();
    loop {
        let low = u8::try_from(left & 0x7f).unwrap();
        left >>= 7;
        packet.push(if left > 0 { low | 0x80 } else { low });
        if left == 0 {
            break;
        }
    }
    packet.extend(body);
    packet
}

async fn serve_mqtt(
    inside: &Inside,
    stream: tokio_rustls::server::TlsStream<tokio::net::TcpStream>,
) -> std::io::Result<()> {
    let (mut reader, mut writer) = tokio::io::split(stream);
    let (_, connect) = packet(&mut reader).await?;
    let sensor = String::from_utf8(connect[12..].to_vec()).unwrap();
    if inside.revoked.load(Ordering::Relaxed) {
        writer.write_all(&[0x20, 2, 0, 5]).await?;
        return writer.flush().await;
    }
    let mut say = inside.say.subscribe();
    writer.write_all(&[0x20, 2, 0, 0]).await?;
    inside.connections.fetch_add(1, Ordering::Relaxed);
    let (packets, mut read) = tokio::sync::mpsc::channel(64);
    let reading = async move {
        loop {
            let next = packet(&mut reader).await;
            let ended = next.is_err();
            packets.send(next).await.ok();
            if ended {
                return std::future::pending::<()>().await;
            }
        }
    };
    tokio::pin!(reading);
    loop {
        writer.flush().await?;
        let (first, body) = tokio::select! {
            () = &mut reading => return Ok(()),
            Ok((topic, payload)) = say.recv() => {
                if topic.starts_with(&format!("sense/{sensor}/")) {
                    writer.write_all(&publish(&topic, &payload)).await?;
                }
                continue;
            }
            Some(packet) = read.recv() => packet?,
        };
        match first >> 4 {
            3 => {
                let length = usize::from(u16::from_be_bytes([body[0], body[1]]));
                let topic = String::from_utf8(body[2..2 + length].to_vec()).unwrap();
                let mut rest = &body[2 + length..];
                if first & 6 != 0 {
                    writer.write_all(&[0x40, 2, rest[0], rest[1]]).await?;
                    rest = &rest[2..];
                }
                assert!(topic.starts_with(&format!("sense/{sensor}/")), "{topic} is nothing of {sensor}'s");
                inside.heard.lock().unwrap().push((topic.clone(), rest.to_vec()));
                if topic.ends_with("/batch") && inside.answers.load(Ordering::Relaxed) {
                    let batch = Batch::decode(rest).unwrap();
                    let (epoch, seq) = (batch.epoch, batch.events.last().unwrap().seq);
                    let json = serde_json::json!({ "epoch": epoch, "seq": seq }).to_string();
                    writer.write_all(&publish(&format!("sense/{sensor}/taken"), json.as_bytes())).await?;
                }
            }
            8 => {
                writer.write_all(&[0x90, 5, body[0], body[1], 1, 1, 1]).await?;
                let retained = inside.retained.lock().unwrap().clone();
                for (topic, payload) in retained {
                    if topic.starts_with(&format!("sense/{sensor}/")) {
                        writer.write_all(&publish(&topic, &payload)).await?;
                    }
                }
            }
            12 => writer.write_all(&[0xd0, 0]).await?,
            14 => return Ok(()),
            _ => {}
        }
    }
}
