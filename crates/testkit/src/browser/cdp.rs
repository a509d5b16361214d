//! A client of the Chrome `DevTools` Protocol over a pair of pipes (`--remote-debugging-pipe`).

use std::io::{BufRead, BufReader, Write};
use std::process::{ChildStdin, ChildStdout};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// Messages that may wait to be read: a page's events between two calls.
const WAITING: usize = 4096;
/// How long a call may take; a page that evaluates something long is asked again instead.
const PATIENCE: Duration = Duration::from_secs(30);

/// Why a call gave nothing.
#[derive(Debug, thiserror::Error)]
pub enum CdpError {
    /// Chromium went away.
    #[error("the browser closed its line while `{0}` was asked")]
    Gone(String),
    /// No answer in time.
    #[error("the browser did not answer `{0}` within {PATIENCE:?}")]
    Late(String),
    /// An answer that says no.
    #[error("the browser refused `{method}`: {message}")]
    Refused {
        /// What was asked.
        method: String,
        /// What it said.
        message: String,
    },
    /// The page's script threw.
    #[error("the page's script failed: {0}")]
    Script(String),
    /// The pipe broke.
    #[error("cannot write to the browser: {0}")]
    Write(#[from] std::io::Error),
}

/// A line to one page of a browser.
#[derive(Debug)]
pub struct Cdp {
    input: ChildStdin,
    messages: Receiver<Value>,
    last: u64,
    session: Option<String>,
}

impl Cdp {
    /// Speaks over these pipes; [`Cdp::attach`] comes next.
    ///
    /// # Errors
    /// When no thread can be started to read.
    pub(super) fn over(input: ChildStdin, output: ChildStdout) -> Result<Self, CdpError> {
        let (sender, messages) = sync_channel(WAITING);
        thread::Builder::new().name("cdp".into()).spawn(move || {
            let mut output = BufReader::new(output);
            let mut bytes = Vec::new();
            while output.read_until(0, &mut bytes).is_ok_and(|n| n > 0) {
                bytes.pop();
                if let Ok(message) = serde_json::from_slice(&bytes)
                    && sender.send(message).is_err()
                {
                    return;
                }
                bytes.clear();
            }
        })?;
        Ok(Self { input, messages, last: 0, session: None })
    }

    /// Takes the browser's first page, waiting until there is one.
    pub(super) fn attach(&mut self) -> Result<(), CdpError> {
        let end = Instant::now() + PATIENCE;
        let page = loop {
            let targets = self.call("Target.getTargets", &json!({}))?;
            let infos = targets["targetInfos"].as_array().cloned().unwrap_or_default();
            if let Some(page) = infos.iter().find(|t| t["type"] == "page") {
                break page["targetId"].clone();
            }
            if Instant::now() > end {
                return Err(CdpError::Late("Target.getTargets".into()));
            }
            thread::sleep(Duration::from_millis(20));
        };
        let attached = self.call("Target.attachToTarget", &json!({"targetId": page, "flatten": true}))?;
        self.session = attached["sessionId"].as_str().map(str::to_owned);
        self.call("Page.enable", &json!({}))?;
        Ok(())
    }

    /// Calls a method; gives its result.
    ///
    /// # Errors
    /// When the browser refuses, is gone or does not answer.
    pub fn call(&mut self, method: &str, params: &Value) -> Result<Value, CdpError> {
        self.last += 1;
        let id = self.last;
        let mut message = json!({"id": id, "method": method, "params": params});
        if let Some(session) = &self.session {
            message["sessionId"] = json!(session);
        }
        let mut bytes = message.to_string().into_bytes();
        bytes.push(0);
        self.input.write_all(&bytes)?;
        let end = Instant::now() + PATIENCE;
        loop {
            match self.messages.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(mut answer) if answer["id"] == id => {
                    return match answer["error"]["message"].as_str() {
                        Some(m) => {
                            Err(CdpError::Refused { method: method.to_owned(), message: m.to_owned() })
                        }
                        None => Ok(answer["result"].take()),
                    };
                }
                Ok(_) => {}
                Err(RecvTimeoutError::Timeout) => return Err(CdpError::Late(method.to_owned())),
                Err(RecvTimeoutError::Disconnected) => return Err(CdpError::Gone(method.to_owned())),
            }
        }
    }

    /// Opens an address; done when the navigation has begun to load.
    ///
    /// # Errors
    /// As [`Cdp::call`], and where the address cannot be reached.
    pub fn open(&mut self, address: &str) -> Result<(), CdpError> {
        let result = self.call("Page.navigate", &json!({"url": address}))?;
        match result["errorText"].as_str() {
            Some(message) => {
                Err(CdpError::Refused { method: format!("open {address}"), message: message.to_owned() })
            }
            None => Ok(()),
        }
    }

    /// Runs this script in every page before the page's own.
    ///
    /// # Errors
    /// As [`Cdp::call`].
    pub fn before_pages(&mut self, script: &str) -> Result<(), CdpError> {
        self.call("Page.addScriptToEvaluateOnNewDocument", &json!({"source": script})).map(drop)
    }

    /// Evaluates an expression in the page, waiting for its promise; gives its value.
    ///
    /// # Errors
    /// As [`Cdp::call`], and what the script threw.
    pub fn evaluate(&mut self, expression: &str) -> Result<Value, CdpError> {
        let params = json!({"expression": expression, "awaitPromise": true, "returnByValue": true, "userGesture": true});
        let mut result = self.call("Runtime.evaluate", &params)?;
        if let Some(details) = result.get("exceptionDetails") {
            let text = details["exception"]["description"].as_str().or(details["text"].as_str());
            return Err(CdpError::Script(text.unwrap_or("unknown").to_owned()));
        }
        Ok(result["result"]["value"].take())
    }

    /// Evaluates an expression again and again until it is true, at most for `within`; gives whether it was. A page
    /// that is just being exchanged for another counts as not yet.
    ///
    /// # Errors
    /// When the browser is gone.
    pub fn wait(&mut self, expression: &str, within: Duration) -> Result<bool, CdpError> {
        let end = Instant::now() + within;
        loop {
            match self.evaluate(expression) {
                Ok(Value::Bool(true)) => return Ok(true),
                Err(error @ (CdpError::Gone(_) | CdpError::Write(_))) => return Err(error),
                _ if Instant::now() > end => return Ok(false),
                _ => thread::sleep(Duration::from_millis(25)),
            }
        }
    }
}
