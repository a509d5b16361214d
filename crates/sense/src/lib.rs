//! What a sensor understands: virtual scenes with their truth, what changed in a picture, tracks, zones and lines, the
//! observations that tell of them, and what an outbox keeps while nobody listens.
//!
//! Nothing here touches the world: there is no socket, file, process, thread or clock in this crate. It takes pictures,
//! detections and `now`, and gives outputs. What runs a neural network is `infer`; what has a camera and a link is the agent.

pub mod aitrios;
pub mod area;
pub mod card;
pub mod cascade;
pub mod decode;
pub mod detection;
pub mod enrolment;
pub mod gate;
pub mod geometry;
pub mod imx500;
pub mod observation;
pub mod outbox;
pub mod pace;
pub mod picture;
pub mod pipeline;
pub mod rule;
pub mod scene;
pub mod score;
pub mod settings;
pub mod steer;
pub mod topic;
pub mod track;
pub mod twin;
