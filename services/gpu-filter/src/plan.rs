//! From a request, which may say anything, to a plan, which cannot be wrong.

use ocelli_kernels::{Catalog, Chain, Shape, codec};
use ocelli_messages::{CheckedFrame, ErrorKind, Failure, Limits, Payload, v1};

use crate::{
    output::{self, Output},
    pixels,
};

/// What is to be done with a frame.
#[derive(Debug)]
pub(crate) struct Plan {
    /// The frame without its payload: what the response repeats.
    pub(crate) identity: v1::Frame,
    pub(crate) payload: Payload,
    pub(crate) chain: Chain,
    pub(crate) output: Output,
    pub(crate) accelerator: v1::Accelerator,
}

impl Plan {
    /// Checks a request against the filters and the limits.
    pub(crate) fn check(
        request: v1::ProcessRequest,
        catalog: &Catalog,
        limits: &Limits,
    ) -> Result<Self, Failure> {
        let frame = request.frame.ok_or_else(|| Failure::invalid("frame", "there is no frame"))?;
        let pipeline = request.pipeline.unwrap_or_default();
        let accelerator = accelerator(&pipeline).map_err(|failure| failure.within("pipeline"))?;
        let chain = chain(&pipeline.steps, catalog, limits)
            .map_err(|failure| failure.within("pipeline"))?;
        let frame =
            CheckedFrame::check(frame, limits).map_err(|failure| failure.within("frame"))?;
        let form_is_stated = output::is_stated(pipeline.output.as_ref());
        let output = Output::check(pipeline.output, &frame.payload)
            .map_err(|failure| failure.within("pipeline.output"))?;
        if chain.makes_tensor() && form_is_stated {
            let message = "the last filter makes a tensor: it has no codec and no pixel format";
            return Err(Failure::invalid("pipeline.output", message));
        }
        let CheckedFrame { identity, payload } = frame;
        Ok(Self { identity, payload, chain, output, accelerator })
    }

    /// What the chain will work on, as far as that can be told without decoding.
    pub(crate) fn input(&self) -> Option<Shape> {
        match &self.payload {
            Payload::Raw(raw) => pixels::raw_shape(raw),
            Payload::Encoded(file) => codec::shape(&file.data).ok(),
        }
    }

    /// Whether another can be done in one go with it: the same chain on pixels of the same shape.
    /// Not for files: reading one takes longer than a launch for several saves, and all of them
    /// would wait for that.
    pub(crate) fn goes_with(&self, other: &Self) -> bool {
        match (&self.payload, &other.payload) {
            (Payload::Raw(one), Payload::Raw(two)) => {
                pixels::raw_shape(one) == pixels::raw_shape(two) && self.chain == other.chain
            }
            _ => false,
        }
    }

    /// Whether the payload is the result already.
    pub(crate) fn nothing_to_do(&self) -> bool {
        self.chain.is_empty()
            && match &self.payload {
                Payload::Raw(raw) => self.output.is_raw(raw.format),
                // An encoded image is decoded also with no step: the result is upright, and
                // damaged data is found.
                Payload::Encoded(_) => false,
            }
    }
}

fn accelerator(pipeline: &v1::Pipeline) -> Result<v1::Accelerator, Failure> {
    v1::Accelerator::try_from(pipeline.accelerator).map_err(|_| {
        let message = format!("{} is no known accelerator", pipeline.accelerator);
        Failure::invalid("accelerator", message).allow(["AUTO", "CPU", "CUDA"])
    })
}

fn chain(steps: &[v1::Step], catalog: &Catalog, limits: &Limits) -> Result<Chain, Failure> {
    let (is, most) = (steps.len(), limits.max_steps);
    if is > most {
        let message = format!("{is} steps: at most {most} are allowed");
        return Err(Failure::new(ErrorKind::TooLarge, message).at("steps"));
    }
    let mut filters = Vec::with_capacity(is);
    for (index, step) in steps.iter().enumerate() {
        match &step.kind {
            Some(v1::step::Kind::Filter(filter)) => {
                filters.push((filter.id.as_str(), &filter.parameters));
            }
            None => {
                let message = "the step has no kind that this worker knows";
                return Err(Failure::invalid(format!("steps[{index}]"), message).allow(["filter"]));
            }
        }
    }
    Chain::parse(catalog, filters).map_err(|error| {
        let place = match &error.parameter {
            Some(parameter) => format!("steps[{}].filter.parameters.{parameter}", error.step),
            None => format!("steps[{}].filter.id", error.step),
        };
        Failure::invalid(place, error.message).allow(error.allowed)
    })
}
