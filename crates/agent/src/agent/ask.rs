//! Asks the house's larger model: one question at a time, for as long as the settings allow it, and never without a link.

use std::time::Duration;

use hyper::StatusCode;
use hyper::body::Bytes;
use playhouse_sense::enrolment::{ASK, Desired, Verdict};
use playhouse_sense::observation::TrackId;
use tokio::sync::{mpsc, watch};
use url::form_urlencoded::Serializer;

use crate::backoff::Backoff;
use crate::http::{Place, send_jpeg};
use crate::link::State;

/// How long one question is tried until it is given up: less than a cascade waits for its answer.
const PATIENCE: Duration = Duration::from_secs(25);

/// The first wait after a question that failed, and the longest.
const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_mins(2);

/// The longest answer: a number and a label's name.
const LARGEST_ANSWER: usize = 4 << 10;

/// What is asked.
pub(super) struct Question {
    pub(super) track: TrackId,
    /// What the sensor takes it for, by name.
    pub(super) label: String,
    /// JPEG.
    pub(super) mosaic: Vec<u8>,
}

/// What became of it.
pub(super) struct Reply {
    pub(super) track: TrackId,
    /// `None`: nobody could say.
    pub(super) verdict: Option<Verdict>,
}

/// The end of whoever has questions, on the thread that looks: it never waits.
pub(super) struct Line {
    questions: mpsc::Sender<Question>,
    replies: mpsc::Receiver<Reply>,
    link: watch::Receiver<State>,
    /// Whether a reply is on its way.
    asked: bool,
}

impl Line {
    /// Whether a question would be asked at once.
    pub(super) fn is_free(&self) -> bool {
        !self.asked && *self.link.borrow() == State::Up
    }

    /// Asks; to be called only while the line is free.
    pub(super) fn ask(&mut self, question: Question) {
        self.asked = self.questions.try_send(question).is_ok();
    }

    /// The reply, if there is one by now.
    pub(super) fn reply(&mut self) -> Option<Reply> {
        let reply = self.replies.try_recv().ok()?;
        self.asked = false;
        Some(reply)
    }
}

/// The end that speaks with the house.
pub(super) struct Asker {
    place: watch::Receiver<Place>,
    desired: watch::Receiver<Desired>,
    questions: mpsc::Receiver<Question>,
    replies: mpsc::Sender<Reply>,
}

/// A line with both ends. One question is on its way at most, and so is one reply.
pub(super) fn open(
    place: watch::Receiver<Place>,
    desired: watch::Receiver<Desired>,
    link: watch::Receiver<State>,
) -> (Line, Asker) {
    let (questions, asked) = mpsc::channel(1);
    let (replies, replied) = mpsc::channel(1);
    let line = Line { questions, replies: replied, link, asked: false };
    (line, Asker { place, desired, questions: asked, replies })
}

/// A line, and what the house's end of it has.
#[cfg(test)]
pub(super) fn apart(link: watch::Receiver<State>) -> (Line, mpsc::Receiver<Question>, mpsc::Sender<Reply>) {
    let place = watch::channel(Place { address: String::new(), tls: None }).1;
    let (line, asker) = open(place, watch::channel(Desired::default()).1, link);
    (line, asker.questions, asker.replies)
}

impl Asker {
    /// Carries questions and answers, for as long as it is polled.
    pub(super) async fn keep(mut self) {
        let mut backoff = Backoff::new(FIRST, LONGEST);
        while let Some(question) = self.questions.recv().await {
            let track = question.track;
            let asking = tokio::time::timeout(PATIENCE, self.ask(question, &mut backoff));
            let verdict = asking.await.ok().flatten();
            if self.replies.send(Reply { track, verdict }).await.is_err() {
                break;
            }
        }
        std::future::pending::<()>().await;
    }

    async fn ask(&self, question: Question, backoff: &mut Backoff) -> Option<Verdict> {
        let Question { track, label, mosaic } = question;
        let about = Serializer::new(String::new())
            .append_pair("track", &track.to_string())
            .append_pair("label", &label)
            .finish();
        let (path, mosaic) = (format!("{ASK}?{about}"), Bytes::from(mosaic));
        loop {
            // Whoever forbids crops means those that were laid before, too.
            if !self.desired.borrow().settings.crops {
                return None;
            }
            let place = self.place.borrow().clone();
            let (why, again_in) = match send_jpeg(&place, &path, mosaic.clone(), LARGEST_ANSWER).await {
                Ok(answer) if answer.status.is_success() => {
                    backoff.reset();
                    let verdict: Option<Verdict> = serde_json::from_slice(&answer.body).ok();
                    return verdict.filter(|verdict| verdict.track == track);
                }
                Ok(answer) => (answer.status.to_string(), Some((answer.status, answer.again_in))),
                Err(error) => (error.to_string(), None),
            };
            let pause = backoff.wait(rand::random());
            tracing::debug!(track, why, again_in = ?pause, "the larger model does not answer");
            let (is_final, least) = match again_in {
                Some((StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE, seconds)) => {
                    (false, Duration::from_secs(seconds.unwrap_or_default()))
                }
                Some((status, _)) => (!status.is_server_error(), Duration::ZERO),
                None => (false, Duration::ZERO),
            };
            tokio::time::sleep(pause.max(least)).await;
            if is_final {
                return None;
            }
        }
    }
}
