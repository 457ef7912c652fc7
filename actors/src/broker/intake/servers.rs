//! Which servers there are, and how to log in to them.

use std::{collections::VecDeque, io};

use async_nats::ServerAddr;
use ocelli_messages::{ErrorKind, Failure};
use serde_json::json;

use crate::broker::{ConnectionOptions, connection::decoded};

/// The most servers of a cluster that are remembered.
const MAX_SERVERS: usize = 64;

/// The server of the settings, and those of its cluster. The first one is tried next.
#[derive(Clone, Debug)]
pub(super) struct Servers {
    configured: ServerAddr,
    known: VecDeque<ServerAddr>,
}

impl Servers {
    /// Reads the address of the settings.
    pub(super) fn new(url: &str) -> Result<Self, Failure> {
        let wrong = |error: io::Error| Failure::invalid("broker.url", error.to_string());
        let configured: ServerAddr = url.parse().map_err(wrong)?;
        if configured.is_websocket() {
            // The client that answers is built without WebSockets too.
            let message = format!("{} is not supported", configured.scheme());
            return Err(Failure::new(ErrorKind::Unsupported, message)
                .at("broker.url")
                .allow(["nats://host:4222", "tls://host:4222"]));
        }
        let known = VecDeque::from([configured.clone()]);
        Ok(Self { configured, known })
    }

    /// The server that is tried next.
    pub(super) fn first(&self) -> &ServerAddr {
        self.known.front().unwrap_or(&self.configured)
    }

    /// Whether the settings demand an encrypted connection, with whichever server.
    pub(super) fn tls_required(&self) -> bool {
        self.configured.tls_required()
    }

    /// Takes note that the first server does not work now.
    pub(super) fn failed(&mut self) {
        if let Some(first) = self.known.pop_front() {
            self.known.push_back(first);
        }
    }

    /// Takes note of the servers of the cluster, as one of them lists them.
    pub(super) fn learn(&mut self, urls: &[String]) {
        if urls.is_empty() {
            return;
        }
        let listed = urls.iter().filter_map(|url| url.parse::<ServerAddr>().ok());
        let listed: Vec<_> = listed.filter(|server| !server.host().is_empty()).collect();
        let current = self.first().clone();
        let stays = |known: &ServerAddr| {
            *known == current || *known == self.configured || listed.contains(known)
        };
        self.known.retain(stays);
        for server in listed {
            if self.known.len() < MAX_SERVERS && !self.known.contains(&server) {
                self.known.push_back(server);
            }
        }
    }
}

/// The name and the credentials of this client.
#[derive(Clone)]
pub(super) struct Login {
    name: String,
    user: Option<String>,
    password: Option<String>,
}

impl Login {
    pub(super) fn new(options: &ConnectionOptions, servers: &Servers) -> Self {
        let owned = |text: Option<&str>| text.map(decoded);
        Self {
            name: format!("{}-in", options.name),
            user: owned(servers.configured.username()),
            password: owned(servers.configured.password()),
        }
    }

    /// The name under which the broker shows this client.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The line that logs in.
    pub(super) fn line(&self, tls_required: bool) -> String {
        let mut connect = json!({
            "verbose": false,
            "pedantic": false,
            "tls_required": tls_required,
            "name": self.name,
            "lang": "rust",
            "version": env!("CARGO_PKG_VERSION"),
            "protocol": 1,
            "echo": true,
            "headers": true,
            "no_responders": true,
        });
        let mut insert = |name: &str, value: &str| {
            if let Some(fields) = connect.as_object_mut() {
                fields.insert(name.to_owned(), value.into());
            }
        };
        // A user without a password is a token.
        match (&self.user, &self.password) {
            (Some(user), Some(password)) => {
                insert("user", user);
                insert("pass", password);
            }
            (Some(token), None) => insert("auth_token", token),
            (None, _) => {}
        }
        format!("CONNECT {connect}\r\n")
    }
}

impl std::fmt::Debug for Login {
    /// Leaves the credentials out.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Login").field("name", &self.name).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn servers(url: &str) -> Servers {
        Servers::new(url).unwrap()
    }

    fn login(url: &str) -> serde_json::Value {
        let options = ConnectionOptions {
            url: url.to_owned(),
            name: "worker".to_owned(),
            subscription_capacity: 1,
            outgoing: crate::broker::Outgoing::default(),
        };
        let login = Login::new(&options, &servers(url));
        assert!(!format!("{login:?}").contains("secret"));
        let line = login.line(false);
        let json = line.strip_prefix("CONNECT ").unwrap().strip_suffix("\r\n").unwrap();
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn the_url_says_how_to_log_in() {
        let with_password = login("nats://me:secret@host");
        assert_eq!(
            (&with_password["user"], &with_password["pass"]),
            (&"me".into(), &"secret".into())
        );
        assert_eq!(with_password["name"], "worker-in");
        assert_eq!(login("nats://secret@host")["auth_token"], "secret");
        assert_eq!(login("nats://host")["user"], serde_json::Value::Null);
    }

    #[test]
    fn what_is_no_tcp_address_is_refused() {
        let failure = Servers::new("ws://host:80").unwrap_err();
        assert_eq!(failure.kind, ErrorKind::Unsupported);
        assert_eq!(failure.field, "broker.url");
        assert_eq!(Servers::new("::").unwrap_err().kind, ErrorKind::InvalidArgument);
        assert!(servers("tls://host").tls_required());
    }

    #[test]
    fn the_servers_of_the_cluster_take_turns() {
        let mut servers = servers("nats://a:1");
        servers.failed();
        assert_eq!(servers.first().host(), "a");
        servers.learn(&["a:1".into(), "b:2".into(), "?".into(), "c:3".into()]);
        let mut turns = Vec::new();
        for _ in 0..4 {
            servers.failed();
            turns.push(servers.first().host().to_owned());
        }
        assert_eq!(turns, ["b", "c", "a", "b"]);
        // The one in use and that of the settings stay, whatever the list says.
        servers.learn(&["d:4".into()]);
        servers.failed();
        let after: Vec<_> = servers.known.iter().map(|server| server.host().to_owned()).collect();
        assert_eq!(after, ["a", "d", "b"]);
        servers.learn(&[]);
        assert_eq!(servers.known.len(), 3);
    }
}
