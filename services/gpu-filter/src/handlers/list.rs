//! `req.filter.list`: what this worker can do.

use std::sync::Arc;

use bytes::Bytes;
use futures::{FutureExt as _, future::BoxFuture};
use ocelli_actors::broker::{Handler, Request};
use ocelli_kernels::Catalog;
use ocelli_messages::{Failure, v1};
use prost::Message as _;

use crate::definitions::definition;

/// Answers `ListFiltersRequest`s.
#[derive(Clone, Debug)]
pub(crate) struct List {
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) accelerators: Vec<v1::Accelerator>,
}

impl List {
    fn list(&self, payload: Bytes) -> Result<v1::ListFiltersResponse, Failure> {
        let request = v1::ListFiltersRequest::decode(payload)
            .map_err(|error| Failure::invalid("", format!("not a ListFiltersRequest: {error}")))?;
        let wanted = v1::Accelerator::try_from(request.accelerator).map_err(|_| {
            let message = format!("{} is no known accelerator", request.accelerator);
            Failure::invalid("accelerator", message).allow(["AUTO", "CPU", "CUDA"])
        })?;
        let any = matches!(wanted, v1::Accelerator::Unspecified | v1::Accelerator::Auto);
        let filters = (self.catalog.definitions())
            .map(|filter| definition(filter, &self.accelerators))
            .filter(|filter| any || filter.accelerators.contains(&wanted.into()))
            .collect();
        Ok(v1::ListFiltersResponse {
            filters,
            accelerators: self.accelerators.iter().copied().map(Into::into).collect(),
            version: env!("CARGO_PKG_VERSION").into(),
        })
    }
}

impl Handler for List {
    fn handle(&self, request: Request) -> BoxFuture<'_, Result<Bytes, Failure>> {
        async move { Ok(self.list(request.payload)?.encode_to_vec().into()) }.boxed()
    }
}
