//! Turns a request, which may be wrong in any way, into a valid plan.

use ocelli_kernels::{BackendError, Catalog, Chain, Planned, Shape};
use ocelli_messages::{CheckedFrame, ErrorKind, Failure, Limits, Named as _, Payload, v1};

use crate::output::{self, Output};

/// A checked request: what to do with a frame.
#[derive(Debug)]
pub(crate) struct Plan {
    /// The frame without its payload, which the response repeats.
    pub(crate) identity: v1::Frame,
    pub(crate) payload: Payload,
    pub(crate) chain: Chain,
    /// The plan of the chain for the shape that the payload states, or `None` if the chain does not
    /// fit that shape. The image decoded from a file may have another shape.
    pub(crate) planned: Option<Planned>,
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
        let frame =
            request.frame.ok_or_else(|| Failure::invalid("frame", "the request has no frame"))?;
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
            let message = "the last filter produces a tensor, which has no codec or pixel format";
            return Err(Failure::invalid("pipeline.output", message));
        }
        let CheckedFrame { identity, payload } = frame;
        let planned = match &payload {
            Payload::Raw(raw) => Some(plan(&chain, raw.shape, limits)?),
            // A chain that does not fit is refused only after decoding, because the header may
            // state another shape, and because damage to the file is reported first.
            Payload::Encoded(file) => plan(&chain, file.header.shape(), limits).ok(),
        };
        Ok(Self { identity, payload, chain, planned, output, accelerator })
    }

    /// The plan for the decoded image: the one that was made for the payload, unless the image has
    /// another shape than the payload stated.
    pub(crate) fn for_image(&self, input: Shape, limits: &Limits) -> Result<Planned, Failure> {
        match &self.planned {
            Some(planned) if planned.input() == input => Ok(planned.clone()),
            _ => plan(&self.chain, input, limits),
        }
    }

    /// Whether another request can be in one batch with this one, which requires the same chain on
    /// raw pixels of the same shape. Files are never batched, because decoding one takes longer
    /// than a shared launch saves, and the whole batch would wait for it.
    pub(crate) fn goes_with(&self, other: &Self) -> bool {
        match (&self.payload, &other.payload) {
            (Payload::Raw(one), Payload::Raw(two)) => {
                one.shape == two.shape && self.chain == other.chain
            }
            _ => false,
        }
    }

    /// Whether the payload already is the result.
    pub(crate) fn nothing_to_do(&self) -> bool {
        self.chain.is_empty()
            && match &self.payload {
                Payload::Raw(raw) => self.output.is_raw(raw.format),
                // A file is decoded even without steps, so that the result is upright and damaged
                // data is found.
                Payload::Encoded(_) => false,
            }
    }
}

/// Plans a chain, and checks that every intermediate image is within the limits for received
/// images.
fn plan(chain: &Chain, input: Shape, limits: &Limits) -> Result<Planned, Failure> {
    let planned = Planned::new(chain.clone(), input).map_err(|error| refused(&error))?;
    let Limits { max_side_px, max_pixels, .. } = limits;
    let over = planned
        .results()
        .map(|result| result.size)
        .find(|size| !limits.allow(*size) && *size != input.size);
    if let Some(size) = over {
        let (width, height) = size.sides();
        let message = format!(
            "a step produces an image of {width}x{height} pixels; at most {max_pixels} pixels and \
             {max_side_px} per side are allowed"
        );
        return Err(Failure::new(ErrorKind::TooLarge, message).at("pipeline.steps"));
    }
    // A tensor may be as large as the largest image with four channels.
    let most = max_pixels.saturating_mul(4);
    let bytes = planned.tensor().map_or(0, |tensor| tensor.bytes() as u64);
    if bytes > most {
        let message =
            format!("the last step produces a tensor of {bytes} bytes; at most {most} are allowed");
        return Err(Failure::new(ErrorKind::TooLarge, message).at("pipeline.steps"));
    }
    Ok(planned)
}

/// The failure for a chain that does not fit an image.
pub(crate) fn refused(error: &BackendError) -> Failure {
    let BackendError::Refused { step, refusal } = error else {
        return Failure::new(ErrorKind::Unsupported, error.to_string()).at("pipeline.steps");
    };
    let place = match refusal.parameter {
        Some(parameter) => format!("pipeline.steps[{step}].filter.parameters.{parameter}"),
        None => format!("pipeline.steps[{step}].filter"),
    };
    let allowed = refusal.allowed.iter().map(String::as_str);
    Failure::invalid(place, refusal.message.clone()).allow(allowed)
}

fn accelerator(pipeline: &v1::Pipeline) -> Result<v1::Accelerator, Failure> {
    v1::Accelerator::from_wire(pipeline.accelerator).map_err(|failure| failure.at("accelerator"))
}

fn chain(steps: &[v1::Step], catalog: &Catalog, limits: &Limits) -> Result<Chain, Failure> {
    let (is, most) = (steps.len(), limits.max_steps);
    if is > most {
        let message = format!("the pipeline has {is} steps; at most {most} are allowed");
        return Err(Failure::new(ErrorKind::TooLarge, message).at("steps"));
    }
    let mut filters = Vec::with_capacity(is);
    for (index, step) in steps.iter().enumerate() {
        match &step.kind {
            Some(v1::step::Kind::Filter(filter)) => {
                filters.push((filter.id.as_str(), &filter.parameters));
            }
            None => {
                let message = "the step is of a kind that this worker does not support";
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

#[cfg(test)]
mod fuzz;
