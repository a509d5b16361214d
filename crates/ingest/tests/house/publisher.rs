//! An RTMP publisher by hand, which does what programs do not.

#![allow(dead_code, reason = "each test file uses its part")]
#![allow(clippy::unwrap_used, reason = "parts of tests, in which a panic is the finding")]

use std::net::SocketAddr;

use playhouse_media::rtmp::amf::{self, Value};
use playhouse_media::rtmp::chunk::{self, Message};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::house::DEADLINE;

pub(crate) const VIDEO: u8 = 9;
pub(crate) const AUDIO: u8 = 8;
const COMMAND: u8 = 20;
const METADATA: u8 = 18;

pub(crate) struct Publisher {
    pub(crate) socket: TcpStream,
    heard: String,
}

impl Publisher {
    /// Connects, and asks to publish by a key.
    pub(crate) async fn begin(address: SocketAddr, key: &str) -> Self {
        let mut socket = TcpStream::connect(address).await.unwrap();
        socket.write_all(&[&[3][..], &[0; 1536]].concat()).await.unwrap();
        let mut hello = vec![0; 1 + 2 * 1536];
        socket.read_exact(&mut hello).await.unwrap();
        socket.write_all(&hello[1..=1536]).await.unwrap();
        let mut publisher = Self { socket, heard: String::new() };
        let size = u32::try_from(chunk::SEND_SIZE).unwrap().to_be_bytes().to_vec();
        publisher.message(2, 1, 0, size).await;
        let text = |text: &str| Value::String(text.to_owned());
        let about = Value::Object(vec![
            ("app".to_owned(), text("live")),
            ("fourCcList".to_owned(), Value::Array(vec![text("hvc1")])),
        ]);
        publisher.command(&[text("connect"), Value::Number(1.0), about]).await;
        publisher.hear("NetConnection.Connect.Success").await;
        publisher.command(&[text("createStream"), Value::Number(2.0), Value::Null]).await;
        publisher.command(&[text("publish"), Value::Number(3.0), Value::Null, text(key), text("live")]).await;
        publisher
    }

    /// The same, and it may.
    pub(crate) async fn accepted(address: SocketAddr, key: &str) -> Self {
        let mut publisher = Self::begin(address, key).await;
        publisher.hear("NetStream.Publish.Start").await;
        publisher
    }

    async fn command(&mut self, values: &[Value]) {
        self.message(3, COMMAND, 0, amf::write(values)).await;
    }

    /// Which tracks there will be.
    pub(crate) async fn tracks(&mut self, names: &[&str]) {
        let fields = names.iter().map(|name| ((*name).to_owned(), Value::Number(7.0))).collect();
        let text = |text: &str| Value::String(text.to_owned());
        let data = amf::write(&[text("@setDataFrame"), text("onMetaData"), Value::Object(fields)]);
        self.message(4, METADATA, 0, data).await;
    }

    pub(crate) async fn tag(&mut self, kind: u8, timestamp: u32, data: &[u8]) {
        self.message(if kind == VIDEO { 6 } else { 4 }, kind, timestamp, data.to_vec()).await;
    }

    async fn message(&mut self, id: u8, kind: u8, timestamp: u32, data: Vec<u8>) {
        let mut out = Vec::new();
        chunk::write(&mut out, id, &Message { kind, stream: 1, timestamp, data });
        self.socket.write_all(&out).await.unwrap();
    }

    /// Reads until somebody says this.
    pub(crate) async fn hear(&mut self, wanted: &str) {
        while !self.heard.contains(wanted) {
            assert!(self.more().await, "closed without `{wanted}`: {}", self.heard);
        }
    }

    /// Reads until the end; what was said.
    pub(crate) async fn last_words(mut self) -> String {
        while self.more().await {}
        self.heard
    }

    async fn more(&mut self) -> bool {
        let mut buffer = [0; 4096];
        let count = tokio::time::timeout(20 * DEADLINE, self.socket.read(&mut buffer))
            .await
            .expect("an answer in time")
            .unwrap_or(0);
        self.heard.push_str(&String::from_utf8_lossy(&buffer[..count]));
        count > 0
    }
}
