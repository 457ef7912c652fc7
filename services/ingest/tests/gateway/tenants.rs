//! Which tenant a request belongs to, and that the client does not choose it.

use futures::StreamExt as _;
use ocelli_ingest::{Config, Gateway, Parts};
use ocelli_kit::health::Health;
use ocelli_messages::{ErrorKind, Limits};
use ocelli_testkit::{Broker, patiently};
use prost::Message as _;

use crate::support::{PROCESS, World, barrier, budget, echo, exchange, png, request};

/// Headers with which a client might try to choose a tenant.
const HEADERS: [(&str, &str); 3] =
    [("Ocelli-Tenant", "other"), ("X-Tenant", "other"), ("baggage", "tenant=other")];

/// A gateway of the tenant `acme`.
async fn gateway(broker: &Broker) -> Gateway {
    let connection = broker.connect().await.unwrap();
    let config = Config { http_addr: "127.0.0.1:0".parse().unwrap(), ..Config::default() };
    let tenant = "acme".parse().unwrap();
    let (limits, health) = (Limits::default(), Health::new());
    let parts = Parts::bind(&config, limits, tenant, connection, health, &budget());
    parts.unwrap().start().unwrap()
}

#[actix_web::test]
async fn requests_go_to_the_subjects_of_the_configured_tenant_whatever_their_headers_say() {
    let broker = Broker::start().await.unwrap();
    let gateway = gateway(&broker).await;
    let client = async_nats::connect(broker.url()).await.unwrap();
    let mut requests = client.subscribe("ocelli.v1.>").await.unwrap();
    barrier(&client).await;
    for (message, subject) in [
        (request("POST", PROCESS, &HEADERS, &png(4, 4)), "ocelli.v1.acme.req.filter.process"),
        (request("GET", "/api/v1/filters", &HEADERS, b""), "ocelli.v1.acme.req.filter.list"),
    ] {
        let worker = async {
            let message = patiently("a request", requests.next()).await.unwrap().unwrap();
            let answer = match ocelli_messages::v1::ProcessRequest::decode(message.payload) {
                Ok(request) if request.frame.is_some() => {
                    echo(request).unwrap().unwrap().encode_to_vec()
                }
                _ => Vec::new(),
            };
            client.publish(message.reply.unwrap(), answer.into()).await.unwrap();
            message.subject.to_string()
        };
        let (reply, asked) = tokio::join!(exchange(gateway.addr, &message), worker);
        assert_eq!((reply.status, asked.as_str()), (200, subject));
    }
}

#[actix_web::test]
async fn a_parameter_that_names_a_tenant_is_unknown() {
    let world = World::new().await;
    let reply = world.post("?tenant=other", &[], &png(4, 4)).await;
    reply.is_problem(ErrorKind::InvalidArgument, "tenant");
    let reply = world.get("/api/v1/filters?tenant=other").await;
    reply.is_problem(ErrorKind::InvalidArgument, "tenant");

    let form = "--X\r\nContent-Disposition: form-data; name=\"tenant\"\r\n\r\nother\r\n--X--\r\n";
    let multipart = [("Content-Type", "multipart/form-data; boundary=X")];
    let reply = world.post("", &multipart, form.as_bytes()).await;
    reply.is_problem(ErrorKind::InvalidArgument, "tenant");
}
