use ocelli_actors::broker::{Encoded, EndpointSpec, Handler, Request, ServiceSpec};
use ocelli_actors::credits::{CreditLimits, CreditPool};
use ocelli_kit::config::{Problem, Section};
use ocelli_kit::{host::Host, service::Built, service::Service};
use ocelli_messages::{Failure, subjects};
use serde::{Deserialize, Serialize};

subjects! {
    /// Returns a text in upper case.
    SHOUT: TenantSubject = "req.text.shout", "StringValue → StringValue";
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The most characters of a text.
    pub max_chars: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self { max_chars: 1_000 }
    }
}

impl Section for Config {
    fn problems(&self) -> Vec<Problem> {
        Problem::range("max_chars", self.max_chars, 1, 100_000).into_iter().collect()
    }
}

impl Handler for Config {
    type Request = String;
    type Response = String;

    async fn handle(&self, request: Request<String>) -> Result<Encoded<String>, Failure> {
        let (Self { max_chars: most }, text) = (*self, request.message);
        if text.chars().count() > most {
            return Err(Failure::invalid("value", format!("at most {most} characters")));
        }
        Ok(Encoded::new(&text.to_uppercase()))
    }
}

pub struct Shout;

impl Service for Shout {
    const NAME: &'static str = "shout";
    const SECTION: &'static str = "shout";
    const ABOUT: &'static str = "Returns texts in upper case";
    type Config = Config;

    async fn build(config: Config, host: &Host) -> Result<Built, Failure> {
        let credits = CreditPool::new(CreditLimits::of(64, 1 << 20), "shout");
        let endpoint = EndpointSpec::new("shout", &SHOUT, config, credits);
        let endpoint = endpoint.tenants(host.tenants().clone()).timeout(host.request_timeout());
        let spec = ServiceSpec::new(Self::NAME, host.instance(), Self::ABOUT).endpoint(endpoint);
        Ok(Built::new(spec.child("shout", host.connect("shout").await?)))
    }
}
