//! Answers `req.filter.list` with the filters of this worker.

use std::sync::Arc;

use ocelli_actors::broker::{Encoded, Handler, Request};
use ocelli_kernels::Catalog;
use ocelli_messages::{Failure, Named as _, v1};

use crate::definitions::definition;

/// The handler that lists the filters of this worker.
#[derive(Clone, Debug)]
pub(crate) struct List {
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) accelerators: Vec<v1::Accelerator>,
}

impl List {
    fn list(&self, request: &v1::ListFiltersRequest) -> Result<v1::ListFiltersResponse, Failure> {
        let wanted = v1::Accelerator::from_wire(request.accelerator)
            .map_err(|failure| failure.at("accelerator"))?;
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
    type Request = v1::ListFiltersRequest;
    type Response = v1::ListFiltersResponse;

    async fn handle(
        &self,
        request: Request<v1::ListFiltersRequest>,
    ) -> Result<Encoded<v1::ListFiltersResponse>, Failure> {
        Ok(Encoded::new(&self.list(&request.message)?))
    }
}
