//! A detector: a network with its card, checked against each other.

use playhouse_sense::card::{self, Card};
use playhouse_sense::decode::{Decoder, Tensor, Unfit};
use playhouse_sense::detection::Detection;
use playhouse_sense::geometry::Rect;
use playhouse_sense::picture::Picture;

use crate::prepare::Prepare;
use crate::runtime::{self, Kind, Output, Runtime, Unusable};

/// The largest model that is opened unless told otherwise, in bytes: a middle-sized YOLO.
pub const LARGEST: usize = 64 * 1024 * 1024;

/// How a model is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// What runs it.
    pub runtime: Kind,
    /// On how many threads. One, so that many sensors share a machine fairly.
    pub threads: usize,
    /// The largest model that is taken, in bytes.
    pub largest: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { runtime: Kind::default(), threads: 1, largest: LARGEST }
    }
}

/// Why a model is not used. Each says what is wrong with it, and what to do.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Refused {
    /// The card cannot be used.
    #[error(transparent)]
    Card(#[from] card::Invalid),
    /// Too large.
    #[error("the model has {0} bytes, and {1} are possible here; use a smaller one")]
    TooLarge(usize, usize),
    /// Another model than the card's.
    #[error("the model's hash is {0} and its card says {1}; this card belongs to other bytes")]
    Hash(String, String),
    /// The network cannot be run.
    #[error(transparent)]
    Network(#[from] Unusable),
    /// It takes something else than one picture of the card's size.
    #[error("the model takes {0}, and its card says one picture of {1:?}; correct the card's input")]
    Input(String, [usize; 4]),
    /// It gives something else than the card says.
    #[error(transparent)]
    Output(#[from] Unfit),
    /// It could not look.
    #[error("the model could not look at a picture: {0}; export it anew, or use another one")]
    Run(String),
    /// A picture without pixels.
    #[error("a picture without pixels came; look at the camera's settings")]
    NoPicture,
}

/// A detector that can look.
pub struct Model {
    card: Card,
    decoder: Decoder,
    prepare: Prepare,
    network: Box<dyn Runtime>,
}

impl Model {
    /// Opens a model with the usual [`Options`].
    ///
    /// # Errors
    /// Why it is not used.
    pub fn open(bytes: &[u8], card: &Card) -> Result<Self, Refused> {
        Self::open_with(bytes, card, Options::default())
    }

    /// Opens a model. It looks at a grey picture once, so that what does not fit is known now.
    ///
    /// # Errors
    /// Why it is not used.
    pub fn open_with(bytes: &[u8], card: &Card, options: Options) -> Result<Self, Refused> {
        card.check()?;
        if bytes.len() > options.largest {
            return Err(Refused::TooLarge(bytes.len(), options.largest));
        }
        let hash = blake3::hash(bytes).to_hex().to_string();
        if !hash.eq_ignore_ascii_case(&card.hash) {
            return Err(Refused::Hash(hash, card.hash.clone()));
        }
        let network = runtime::open(options.runtime, bytes, options.threads)?;
        check_input(&network.inputs(), card.input.shape())?;
        let prepare = Prepare::new(card.input);
        let mut model = Self { card: card.clone(), decoder: card.decoder(), prepare, network };
        let grey = vec![128; card.input.width * card.input.height * 3];
        let grey = Picture::new(card.input.width, card.input.height, grey).ok_or(Refused::NoPicture)?;
        model.look(&grey)?;
        Ok(model)
    }

    /// Its card.
    pub fn card(&self) -> &Card {
        &self.card
    }

    /// Leaves out what is less sure than this, 0 to 1, instead of what the card says.
    pub fn set_score(&mut self, score: f32) {
        self.decoder.score = score;
    }

    /// What is in a picture of any size, the surest first. Places are fractions of the picture.
    ///
    /// # Errors
    /// [`Refused::Run`], [`Refused::Output`] or [`Refused::NoPicture`].
    pub fn look(&mut self, picture: &Picture) -> Result<Vec<Detection>, Refused> {
        let (values, part) = self.prepare.take(picture).ok_or(Refused::NoPicture)?;
        let outputs = self.network.run(&self.card.input.shape(), values).map_err(Refused::Run)?;
        let tensors: Vec<_> =
            outputs.iter().map(|Output { shape, values }| Tensor { shape, values }).collect();
        let mut found = self.decoder.decode(&tensors)?;
        if part.width() < 1.0 || part.height() < 1.0 {
            found = found.into_iter().filter_map(|detection| unboxed(detection, &part)).collect();
        }
        Ok(found)
    }
}

/// A detection in an input of which only a part shows the picture, as one in the picture.
fn unboxed(detection: Detection, part: &Rect) -> Option<Detection> {
    let across = |x: f32| ((x - part.left) / part.width()).clamp(0.0, 1.0);
    let down = |y: f32| ((y - part.top) / part.height()).clamp(0.0, 1.0);
    let Rect { left, top, right, bottom } = detection.place;
    let place = Rect { left: across(left), top: down(top), right: across(right), bottom: down(bottom) };
    (place.area() > 0.0).then_some(Detection { place, ..detection })
}

/// Whether a network takes one picture of this shape.
fn check_input(inputs: &[Vec<Option<usize>>], wanted: [usize; 4]) -> Result<(), Refused> {
    let [shape] = inputs else {
        return Err(Refused::Input(format!("{} inputs", inputs.len()), wanted));
    };
    let fits = |(is, wanted): (&Option<usize>, usize)| is.is_none_or(|is| is == wanted);
    if shape.len() == wanted.len() && shape.iter().zip(wanted).all(fits) {
        return Ok(());
    }
    let lengths: Vec<String> =
        shape.iter().map(|length| length.map_or("any".to_owned(), |n| n.to_string())).collect();
    Err(Refused::Input(format!("[{}]", lengths.join(", ")), wanted))
}
