//! Creates a stream or checks the existing one, whatever it is used for.

use async_nats::jetstream::{
    ErrorCode,
    stream::{Config, Info},
};
use ocelli_messages::{ErrorKind, Failure};

use super::{DeliveryClass, JetStream};

/// Creates the stream, or checks that the existing one is configured this way.
///
/// Several processes may do this at the same time. An existing stream is never changed: changing
/// it would lose data or break another version of the program, so that is for a person to decide.
pub(super) async fn ensure_stream(
    jetstream: &JetStream,
    class: DeliveryClass,
    mut config: Config,
) -> Result<Info, Failure> {
    let what = format!("stream {}", config.name);
    class.apply(jetstream, &mut config).map_err(|failure| Failure {
        message: format!("{what}: {}", failure.message),
        ..failure
    })?;
    let info = match info(jetstream, &config.name).await {
        Ok(info) => info,
        Err(failure) if failure.kind == ErrorKind::NotFound => {
            let subject = format!("STREAM.CREATE.{}", config.name);
            match jetstream.ask(subject, &config).await {
                Ok(info) => info,
                // Somebody else created it a moment ago.
                Err(refused) if refused.code() == Some(ErrorCode::STREAM_NAME_EXIST) => {
                    self::info(jetstream, &config.name).await?
                }
                Err(refused) => return Err(class.explain(refused.into_failure(&what))),
            }
        }
        Err(failure) => return Err(failure),
    };
    match differences(&settings(&config), &settings(&info.config)) {
        differing if differing.is_empty() => Ok(info),
        differing => Err(Failure::new(
            ErrorKind::Conflict,
            format!("{what} exists with another configuration: {differing}"),
        )),
    }
}

/// The stream's configuration and state, from its leader.
pub(super) async fn info(jetstream: &JetStream, name: &str) -> Result<Info, Failure> {
    jetstream
        .ask(format!("STREAM.INFO.{name}"), &())
        .await
        .map_err(|refused| refused.into_failure(&format!("stream {name}")))
}

/// Lists the settings that differ, each with both values; empty if none does.
pub(super) fn differences(
    wanted: &[(&'static str, String)],
    existing: &[(&'static str, String)],
) -> String {
    let differing: Vec<_> = wanted
        .iter()
        .zip(existing)
        .filter(|(wanted, existing)| wanted.1 != existing.1)
        .map(|((name, wanted), (_, existing))| {
            format!("{name} is {existing}, but {wanted} is needed")
        })
        .collect();
    differing.join("; ")
}

/// The settings that this program depends on, with the server's defaults made explicit.
fn settings(config: &Config) -> Vec<(&'static str, String)> {
    let limit = |value: i64| if value <= 0 { "unlimited".to_owned() } else { value.to_string() };
    let tags = config.placement.as_ref().map(|placement| placement.tags.clone());
    vec![
        ("subjects", format!("{:?}", config.subjects)),
        ("retention", format!("{:?}", config.retention)),
        ("storage", format!("{:?}", config.storage)),
        ("replicas", config.num_replicas.to_string()),
        ("placement tags", format!("{:?}", tags.unwrap_or_default())),
        ("discard", format!("{:?}", config.discard)),
        ("max_age", format!("{:?}", config.max_age)),
        ("max_bytes", limit(config.max_bytes)),
        ("max_msgs_per_subject", limit(config.max_messages_per_subject)),
        ("max_msg_size", limit(config.max_message_size.into())),
        ("duplicate_window", format!("{:?}", config.duplicate_window)),
        ("allow_rollup_hdrs", config.allow_rollup.to_string()),
        ("deny_delete", config.deny_delete.to_string()),
        ("allow_direct", config.allow_direct.to_string()),
        ("allow_msg_ttl", config.allow_message_ttl.to_string()),
        (
            "subject_delete_marker_ttl",
            format!("{:?}", config.subject_delete_marker_ttl.unwrap_or_default()),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_difference_names_the_setting_and_both_values() {
        let wanted = Config { max_age: Duration::from_secs(30), ..Config::default() };
        let existing = Config { max_age: Duration::from_mins(1), ..Config::default() };
        assert_eq!(
            differences(&settings(&wanted), &settings(&existing)),
            "max_age is 60s, but 30s is needed"
        );
    }

    #[test]
    fn the_servers_default_is_no_difference() {
        let wanted = Config { max_bytes: 0, ..Config::default() };
        let existing = Config { max_bytes: -1, max_message_size: -1, ..Config::default() };
        assert_eq!(differences(&settings(&wanted), &settings(&existing)), "");
    }
}
