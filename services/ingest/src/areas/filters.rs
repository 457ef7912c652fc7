//! `GET /api/v1/filters`: the filters that the workers offer.

use actix_web::{
    HttpRequest, HttpResponse,
    web::{self, ReqData},
};
use ocelli_kit::filter_json;
use ocelli_messages::{Failure, subjects, v1};
use prost::Message as _;

use crate::{
    answer::{answer, bounded},
    names,
    query::{given_twice, pairs, unknown},
    routes::routes,
    scope::Scope,
    shared::Shared,
};

routes! {
    GET "/api/v1/filters", "Lists the filters and their parameters" => filters;
}

async fn filters(
    request: HttpRequest,
    scope: ReqData<Scope>,
    shared: web::Data<Shared>,
) -> HttpResponse {
    answer(&scope, list(&request, &scope, &shared)).await
}

async fn list(
    request: &HttpRequest,
    scope: &Scope,
    shared: &Shared,
) -> Result<HttpResponse, Failure> {
    let accelerator = accelerator(request.query_string())?;
    let query = v1::ListFiltersRequest { accelerator: accelerator.into() };
    let context = bounded(scope, shared.request_timeout)?;
    let subject = subjects::FILTER_LIST.of(&scope.tenant);
    let answer = shared.connection.request(&subject, &context, query.encode_to_vec().into());
    let filters = v1::ListFiltersResponse::decode(answer.await?)
        .map_err(|_| Failure::internal("the worker's response cannot be decoded"))?;
    Ok(HttpResponse::Ok().json(filter_json::list(&filters)))
}

fn accelerator(query: &str) -> Result<v1::Accelerator, Failure> {
    let mut asked = None;
    for (name, value) in pairs(query)? {
        if name != "accelerator" {
            return Err(unknown(&name).allow(["accelerator"]));
        }
        if asked.replace(names::parse("accelerator", &value)?).is_some() {
            return Err(given_twice("accelerator"));
        }
    }
    Ok(asked.unwrap_or(v1::Accelerator::Auto))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_accelerator_can_be_asked_for() {
        assert_eq!(accelerator("").unwrap(), v1::Accelerator::Auto);
        assert_eq!(accelerator("accelerator=cuda").unwrap(), v1::Accelerator::Cuda);
        for (query, field) in [
            ("accelerator=tpu", "accelerator"),
            ("accelerator=cpu&accelerator=cpu", "accelerator"),
            ("filter=blur", "filter"),
        ] {
            assert_eq!(accelerator(query).unwrap_err().field, field);
        }
    }
}
