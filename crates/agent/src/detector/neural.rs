//! A detector that is a neural network: the one that came with the agent, or one of the registry.

use playhouse_infer::{Card, Model};
use playhouse_sense::detection::Detection;
use playhouse_sense::picture::Picture;
use playhouse_sense::settings::ModelRef;

use super::{Detector, Fetched, Loader};

/// The model that comes with the agent, and its card.
const OWN: (&[u8], &str) =
    (include_bytes!("../../../../models/edge/model.onnx"), include_str!("../../../../models/edge/card.toml"));

/// The loader of networks. Whatever is wrong with one is found before it looks at its first picture.
#[derive(Clone, Copy, Debug)]
pub struct Networks;

impl Loader for Networks {
    fn load(&self, model: Option<&Fetched>) -> Result<Box<dyn Detector>, String> {
        let (bytes, card, known) = match model {
            None => (OWN.0, OWN.1, None),
            Some(fetched) => {
                let card = std::str::from_utf8(&fetched.card)
                    .map_err(|error| format!("the card of {} is no text: {error}", fetched.model.name))?;
                (fetched.bytes.as_slice(), card, Some(fetched.model.clone()))
            }
        };
        let name = known.as_ref().map_or("the agent's own model", |model| &model.name);
        let card = Card::parse(card).map_err(|error| format!("{name}: {error}"))?;
        let network = Model::open(bytes, &card).map_err(|error| format!("{name}: {error}"))?;
        Ok(Box::new(Network { network, known }))
    }
}

struct Network {
    network: Model,
    known: Option<ModelRef>,
}

impl Detector for Network {
    fn detect(&mut self, picture: &Picture, floor: f32) -> Result<Vec<Detection>, String> {
        self.network.set_score(floor);
        self.network.look(picture).map_err(|error| error.to_string())
    }

    fn labels(&self) -> Vec<String> {
        self.network.card().labels.clone()
    }

    fn model(&self) -> Option<ModelRef> {
        self.known.clone()
    }
}

#[cfg(test)]
mod tests {
    use playhouse_sense::scene::{Options, Scene};

    use super::*;

    #[test]
    fn the_model_that_comes_with_the_agent_sees_somebody() {
        let mut detector = Networks.load(None).unwrap();
        let scene = Scene::new(Options::default());
        let mut picture = Picture::black(0, 0);
        let mut seen = 0;
        for frame in (0..600).step_by(30) {
            scene.render(frame, &mut picture);
            seen += detector.detect(&picture, 0.3).unwrap().len();
        }
        assert!(seen > 10, "{seen} things in twenty pictures");
    }

    #[test]
    fn a_model_that_is_none_is_refused_in_words() {
        let model = ModelRef { name: "shop".into(), hash: blake3::hash(b"rubbish").to_hex().to_string() };
        let mut fetched = Fetched { model, bytes: b"rubbish".to_vec(), card: b"no card".to_vec() };
        let error = Networks.load(Some(&fetched)).err().unwrap();
        assert!(error.starts_with("shop: this is no card of a model"), "{error}");
        fetched.card =
            OWN.1.replace(Card::parse(OWN.1).unwrap().hash.as_str(), &fetched.model.hash).into_bytes();
        let error = Networks.load(Some(&fetched)).err().unwrap();
        assert!(error.starts_with("shop: "), "{error}");
    }
}
