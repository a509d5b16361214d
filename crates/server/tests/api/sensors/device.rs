//! A sensor for the tests: a foreign MQTT client behind TLS of its own, so that not only our own agent says that we are right.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use playhouse_sense::enrolment::Enrolled;
use playhouse_sense::observation::{Batch, Direction, Event, What};
use playhouse_sense::topic;
use rcgen::{CertificateParams, KeyPair};
use rumqttc::{AsyncClient, Event as Happened, MqttOptions, Packet, QoS};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::TlsConnector;

use crate::house::House;
use crate::http::{Client, Reply, parse};

/// Longest wait for something that has to come.
const PATIENCE: Duration = Duration::from_secs(30);

/// Messages that wait for a test: more than any of them gets.
const WAITING: usize = 10_000;

/// A device that was enrolled.
pub(crate) struct Device {
    pub(crate) id: String,
    pub(crate) enrolled: Enrolled,
    pub(crate) key: KeyPair,
}

/// A certificate request for a key.
pub(crate) fn request(key: &KeyPair) -> String {
    CertificateParams::new(vec!["hub.playhouse.internal".to_owned()])
        .unwrap()
        .serialize_request(key)
        .unwrap()
        .pem()
        .unwrap()
}

/// What a device with this certificate speaks TLS with.
pub(crate) fn tls(authority: &str, certificate: &str, key: &str) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.as_bytes()).unwrap()).unwrap();
    let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_client_auth_cert(chain, key)
        .unwrap();
    Arc::new(config)
}

impl Device {
    /// Makes a sensor, and becomes it.
    pub(crate) async fn new(house: &House, owner: &Client, name: &str) -> Self {
        let made = owner.post("/api/sensors", json!({"name": name})).await.expect(201).json();
        Self::enrol(&house.nobody, made["code"].as_str().unwrap()).await
    }

    /// Becomes the sensor of a code.
    pub(crate) async fn enrol(nobody: &Client, code: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let body = json!({"code": code, "request": request(&key)});
        let enrolled = nobody.post("/api/sensors/enrol", body).await.expect(201);
        let enrolled: Enrolled = serde_json::from_slice(&enrolled.body).unwrap();
        Self { id: enrolled.sensor.clone(), enrolled, key }
    }

    pub(crate) fn tls(&self) -> Arc<ClientConfig> {
        tls(&self.enrolled.authority, &self.enrolled.certificate, &self.key.serialize_pem())
    }

    /// Connects, and waits until it is in.
    pub(crate) async fn connect(&self) -> Link {
        let mut link = self.dial().await;
        link.until(|news| matches!(news, News::In)).await;
        for kind in [topic::TAKEN, topic::DESIRED, topic::ASK] {
            link.client.subscribe(topic::of(&self.id, kind), QoS::AtLeastOnce).await.unwrap();
            link.until(|news| matches!(news, News::Subscribed)).await;
        }
        link
    }

    /// Tries to connect.
    pub(crate) async fn dial(&self) -> Link {
        let port = bridge(self.enrolled.mqtt.parse().unwrap(), self.tls()).await;
        let mut options = MqttOptions::new(&self.id, "127.0.0.1", port);
        options.set_keep_alive(Duration::from_secs(20)).set_max_packet_size(1 << 20, 1 << 20);
        let (client, mut events) = AsyncClient::new(options, 64);
        let (sender, news) = mpsc::channel(WAITING);
        let looping = tokio::spawn(async move {
            loop {
                let told = match events.poll().await {
                    Ok(Happened::Incoming(Packet::ConnAck(_))) => News::In,
                    Ok(Happened::Incoming(Packet::SubAck(_))) => News::Subscribed,
                    Ok(Happened::Incoming(Packet::PubAck(_))) => News::Acknowledged,
                    Ok(Happened::Incoming(Packet::Publish(said))) => {
                        News::Said(said.topic.clone(), said.payload.to_vec())
                    }
                    Ok(_) => continue,
                    Err(error) => {
                        drop(sender.send(News::Out(error.to_string())).await);
                        return;
                    }
                };
                if sender.send(told).await.is_err() {
                    return;
                }
            }
        });
        Link { id: self.id.clone(), client, news, heard: VecDeque::new(), looping }
    }

    /// Asks the house by HTTPS with the certificate.
    pub(crate) async fn ask(&self, method: &str, path: &str, body: &Value) -> Reply {
        self.send(method, path, "application/json", body.to_string().as_bytes()).await
    }

    /// Sends the house any bytes by HTTPS with the certificate.
    pub(crate) async fn send(&self, method: &str, path: &str, kind: &str, body: &[u8]) -> Reply {
        let stream = TcpStream::connect(&self.enrolled.https).await.unwrap();
        let name = ServerName::try_from("hub.playhouse.internal").unwrap();
        let mut stream = TlsConnector::from(self.tls()).connect(name, stream).await.unwrap();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: hub\r\nConnection: close\r\nContent-Type: {kind}\r\n\
             Content-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        // What is refused by its head alone may be cut off.
        drop(stream.write_all(body).await);
        let mut answer = Vec::new();
        drop(stream.read_to_end(&mut answer).await);
        parse(&answer)
    }
}

/// Carries one connection into TLS: the client needs to know nothing of it. Gives the port to dial.
async fn bridge(to: SocketAddr, config: Arc<ClientConfig>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (mut plain, _) = listener.accept().await.unwrap();
        let stream = TcpStream::connect(to).await.unwrap();
        let name = ServerName::try_from("hub.playhouse.internal").unwrap();
        if let Ok(mut secured) = TlsConnector::from(config).connect(name, stream).await {
            drop(tokio::io::copy_bidirectional(&mut plain, &mut secured).await);
        }
    });
    port
}

/// What happens on a link.
#[derive(Debug)]
pub(crate) enum News {
    In,
    Subscribed,
    Acknowledged,
    Said(String, Vec<u8>),
    Out(String),
}

/// A connection of a device.
pub(crate) struct Link {
    id: String,
    pub(crate) client: AsyncClient,
    news: mpsc::Receiver<News>,
    /// What was said while something else was waited for.
    heard: VecDeque<News>,
    looping: tokio::task::JoinHandle<()>,
}

impl Drop for Link {
    fn drop(&mut self) {
        self.looping.abort();
    }
}

impl Link {
    /// Waits until something happens; what is said before is kept.
    pub(crate) async fn until(&mut self, wanted: impl Fn(&News) -> bool) -> News {
        if let Some(place) = self.heard.iter().position(&wanted) {
            return self.heard.remove(place).unwrap();
        }
        let waiting = async {
            loop {
                let news = self.news.recv().await.expect("the link is over");
                if wanted(&news) {
                    return news;
                }
                assert!(!matches!(news, News::Out(_)), "{news:?}");
                if matches!(news, News::Said(..)) {
                    self.heard.push_back(news);
                }
            }
        };
        tokio::time::timeout(PATIENCE, waiting).await.expect("it does not happen")
    }

    /// Waits until the link is over; gives why.
    pub(crate) async fn out(&mut self) -> String {
        match self.until(|news| matches!(news, News::Out(_))).await {
            News::Out(why) => why,
            _ => unreachable!("it waits for that"),
        }
    }

    /// The next message of a kind, as JSON.
    pub(crate) async fn hear(&mut self, kind: &str) -> Value {
        let topic = topic::of(&self.id, kind);
        match self.until(|news| matches!(news, News::Said(of, _) if *of == topic)).await {
            News::Said(_, payload) => serde_json::from_slice(&payload).unwrap(),
            _ => unreachable!("it waits for that"),
        }
    }

    pub(crate) async fn say(&self, kind: &str, payload: impl Into<Vec<u8>>) {
        let topic = topic::of(&self.id, kind);
        self.client.publish(topic, QoS::AtLeastOnce, false, payload).await.unwrap();
    }

    /// Sends a batch, and waits until it is taken up to its last number at least.
    pub(crate) async fn deliver(&mut self, batch: &Batch) {
        self.say(topic::BATCH, batch.encode().unwrap()).await;
        let last = batch.events.last().unwrap().seq;
        loop {
            let taken = self.hear(topic::TAKEN).await;
            if taken["epoch"] == batch.epoch && taken["seq"].as_u64() >= Some(last) {
                return;
            }
        }
    }
}

/// Crossings of line 1 right now, numbered; every third goes out.
pub(crate) fn crossings(epoch: u64, numbers: std::ops::RangeInclusive<u64>) -> Batch {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let at = u64::try_from(now.as_millis()).unwrap();
    let event = |seq: u64| {
        let direction = if seq.is_multiple_of(3) { Direction::Out } else { Direction::In };
        let track = u32::try_from(seq).unwrap();
        Event { seq, at, what: What::Crossed { line: 1, track, label: 0, direction } }
    };
    Batch { epoch, events: numbers.map(event).collect() }
}

/// In and out over all lines in the last day, by the API.
pub(crate) async fn counted(who: &Client, sensor: &str) -> (i64, i64) {
    let counts = who.get(&format!("/api/sensors/{sensor}/counts?by=minute")).await.expect(200).json();
    let rows = counts["lines"].as_array().unwrap().iter().flat_map(|line| line["rows"].as_array().unwrap());
    rows.fold((0, 0), |(ins, outs), row| {
        (ins + row["in"].as_i64().unwrap(), outs + row["out"].as_i64().unwrap())
    })
}
